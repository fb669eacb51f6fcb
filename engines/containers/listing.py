"""The list of containers, of one engine or of all that a person sees: asked, narrowed, sorted, grouped, paged."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from engines import reach
from engines.client.connect import call
from engines.client.errors import EngineError, NotAnEngine
from engines.containers.types import Container
from engines.models import Engine, EngineState, Heartbeat
from engines.secrets import SecretUnreadable

#: In the order in which the counts are shown.
STATES = ("running", "unhealthy", "restarting", "paused", "created", "exited", "dead", "removing", "unknown")
_SORTS: dict[str, Callable[[Container], Any]] = {
    "name": lambda each: each.name.lower(),
    "state": lambda each: (STATES.index(each.group) if each.group in STATES else 99, each.word),
    "engine": lambda each: each.engine,
    "image": lambda each: each.image.lower(),
    "project": lambda each: (not each.project, each.project.lower(), each.service.lower()),
    "service": lambda each: (not each.service, each.service.lower()),
    "ip": lambda each: [(not address, address) for _, address in each.networks],
    "networks": lambda each: [name for name, _ in each.networks],
    "mounts": lambda each: -each.mounts,
    "size": lambda each: -each.size_bytes,
    "created": lambda each: -each.created,
}
#: Rows of a page where all engines are listed.
PAGE = 100
#: An engine that has not answered by then is a note above the list of all engines.
DEADLINE_SECONDS = 3
#: The watcher reports every 5 s; after this long, what it wrote may be old.
_SILENCE = timedelta(seconds=20)


@dataclass(frozen=True)
class Choice:
    """What of the list is wanted: from the query string, anything else is the default.

    `grouped` None: as the person likes it. `engine` (a slug) and `page` are of the list of all engines.
    """

    q: str = ""
    state: str = ""
    sort: str = "name"
    descending: bool = False
    project: str = ""
    engine: str = ""
    grouped: bool | None = None
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict) -> "Choice":
        sort = query.get("sort", "")
        key = sort.removeprefix("-")
        if key not in _SORTS:
            key, sort = "name", ""
        state, page = query.get("state", ""), query.get("page", "")
        return cls(
            query.get("q", "")[:200].strip(),
            state if state in STATES else "",
            key,
            sort.startswith("-"),
            query.get("project", "")[:200],
            query.get("engine", "")[:64],
            {"1": True, "0": False}.get(query.get("grouped", "")),
            max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )

    def link(self, **changed: str) -> str:
        """The query string of this choice with some of it changed; `?` alone when nothing is chosen.

        Whatever changes, it leads to the first page, unless that is what changes.
        """
        now = {
            "q": self.q,
            "project": self.project,
            "engine": self.engine,
            "state": self.state,
            "sort": self.order,
            "grouped": "" if self.grouped is None else str(int(self.grouped)),
        } | changed
        return "?" + urlencode({key: value for key, value in now.items() if value})

    @property
    def order(self) -> str:
        """What it is sorted by, as the query string says it."""
        order = ("-" if self.descending else "") + self.sort
        return "" if order == "name" else order

    @property
    def by_column(self) -> dict[str, str]:
        """Sort key -> the link of its column's head: the column sorted by is turned around."""
        return {key: self.link(sort=f"-{key}" if key == self.sort and not self.descending else key) for key in _SORTS}


@dataclass(frozen=True)
class Listing:
    """The containers wanted, and how many there are of each state whatever state is chosen."""

    rows: list[Container]
    counts: list[tuple[str, int]]
    found: int
    total: int
    page: int = 1
    pages: int = 1


@dataclass(frozen=True)
class Silent:
    """An engine whose containers are not in the list of all engines, and why. `known` is how many it had."""

    engine: Engine
    sentence: str
    known: int | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Everywhere:
    """The containers of all engines that answered, and the engines that did not."""

    containers: list[Container] = field(default_factory=list)
    silent: list[Silent] = field(default_factory=list)


def every(engine: Engine, *, sizes: bool = False, timeout: int = 10) -> list[Container]:
    """Every container of `engine`, running or not. `sizes` asks what each wrote. Raises EngineError."""
    wanted = {"all": "1"} | ({"size": "1"} if sizes else {})
    reply = call(reach.client(engine, timeout), "GET", "/containers/json", params=wanted)
    if not isinstance(reply, list):
        raise NotAnEngine("What answers there sends other JSON than a Docker Engine does.")
    return [Container.from_api(entry, engine.slug) for entry in reply if isinstance(entry, dict)]


#: Engines are asked while the page's frame is made: most of the time of both is waiting, or another processor's.
_ASKING = ThreadPoolExecutor(64, thread_name_prefix="list-of-one")
#: Apart, so that a fleet of silent engines holds up no list of one that answers.
_FLEET = ThreadPoolExecutor(64, thread_name_prefix="list-of-all")
#: Engine, by its `key_id`, -> what was asked of it and did not come in time. It is not asked again before that ended.
_late: dict[UUID, "Future[list[Container]]"] = {}


def asked(engine: Engine, *, sizes: bool = False) -> "Future[list[Container]]":
    """The same as `every`, begun now."""
    return _ASKING.submit(every, engine, sizes=sizes)


def everywhere(engines: Iterable[Engine], *, sizes: bool = False, seconds: float = DEADLINE_SECONDS) -> Everywhere:
    """The containers of all `engines` (with their `state`), asked at once; none is waited for longer than `seconds`.

    An engine that the watcher knows to be down is not asked.
    """
    found, asking = Everywhere(), dict[Engine, "Future[list[Container]]"]()
    watched = Heartbeat.objects.filter(name="watcher", at__gt=timezone.now() - _SILENCE).exists()
    for engine in engines:
        late, state = _late.get(engine.key_id), getattr(engine, "state", None)
        if not engine.enabled:
            found.silent.append(_silent(engine, "It is disabled."))
        elif watched and state and state.status == EngineState.Status.DOWN:
            found.silent.append(_silent(engine, state.sentence))
        elif late and not late.done():
            found.silent.append(_silent(engine, "It still has not answered."))
        else:
            asking[engine] = _FLEET.submit(every, engine, sizes=sizes, timeout=DEADLINE_SECONDS)
    wait(asking.values(), seconds)
    for engine, answer in asking.items():
        if not answer.done():
            _late[engine.key_id] = answer
            found.silent.append(_silent(engine, f"It did not answer within {seconds:g} s."))
            continue
        _late.pop(engine.key_id, None)
        try:
            found.containers.extend(answer.result())
        except (EngineError, SecretUnreadable) as error:
            found.silent.append(_silent(engine, str(error)))
    return found


def _silent(engine: Engine, sentence: str) -> Silent:
    state: EngineState | None = getattr(engine, "state", None)
    if state is None or state.seen_at is None:
        return Silent(engine, sentence)
    return Silent(engine, sentence, state.running + state.paused + state.stopped, state.seen_at)


def chosen(every: list[Container], choice: Choice) -> Listing:
    """`every` narrowed and sorted; equal ones stay in the order of their names."""
    words = choice.q.lower().split()
    found = [
        each
        for each in every
        if (not choice.project or each.project == choice.project)
        and (not choice.engine or each.engine == choice.engine)
        and (not words or each.matches(words))
    ]
    counted = Counter(each.group for each in found)
    counts = [(state, counted[state]) for state in STATES if counted[state]]
    rows = [each for each in found if not choice.state or each.group == choice.state]
    rows.sort(key=_SORTS["name"])
    rows.sort(key=_SORTS[choice.sort], reverse=choice.descending)
    return Listing(rows, counts, len(found), len(every))


def paged(listing: Listing, page: int) -> Listing:
    """The rows of one page of it; the last one where there are not so many."""
    pages = max(1, -(-len(listing.rows) // PAGE))
    page = min(page, pages)
    return replace(listing, rows=listing.rows[(page - 1) * PAGE : page * PAGE], page=page, pages=pages)


def grouped(rows: list[Container]) -> list[tuple[str, list[Container]]]:
    """`rows` by their Compose project, in the order of its name; last those of none."""
    found: dict[str, list[Container]] = {}
    for each in rows:
        found.setdefault(each.project, []).append(each)
    return sorted(found.items(), key=lambda item: (not item[0], item[0].lower(), item[0]))
