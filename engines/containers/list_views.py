"""The list of an engine's containers, how a person likes it, and verbs on many at once."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from engines import access
from engines.containers import layout, listing
from engines.containers.frame import offered, published_host
from engines.containers.layout import COLUMNS, Column, Layout
from engines.containers.listing import Choice, Listing, chosen, grouped
from engines.containers.rows import Look, bodies, rows
from engines.containers.types import tone_of
from engines.containers.verbs import VERBS, Action, failure, removal
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view, person, require
from engines.web.respond import respond

MOST_AT_ONCE = 400
_THREADS = 8
FIRST = (Column("name", "Name"), Column("state", "State"))


@dataclass(frozen=True)
class Part:
    """What of the page refreshes itself."""

    listing: Listing
    chips: list[tuple[str, int, str, str, bool]]
    heads: list[tuple[Column, str]]
    #: One table body's, or a body of each group.
    rows: SafeString
    grouped: bool


@require_safe
@engine_view(Permission.CONTAINER_VIEW)
def container_list(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Every container: `q`, `project`, `state` and `sort` (`-` before it turns the order) choose, `grouped` groups."""
    user, choice = person(request), Choice.from_query(request.GET)
    wanted = layout.of(user)
    asked = listing.asked(engine, sizes=wanted.sizes)
    held, base = access.held(user, engine), reverse("containers", kwargs={"slug": engine.slug})
    may = offered(held)
    looks = {engine.slug: Look(base, published_host(request, engine), may, Permission.CONTAINER_START in held)}

    def made() -> Part:
        return part(chosen(asked.result(), choice), choice, wanted, looks, FIRST)

    context = {
        "engine": engine,
        "choice": choice,
        "layout": wanted,
        "may": may,
        "base": base,
        **links(choice, wanted),
        "stats": [{"path": f"/ws/engines/{engine.slug}/stats/", "row": "c-"}] if wanted.live else [],
        # Made where the template shows it: until then the engine answers, and the frame of the page is made.
        "part": SimpleLazyObject(made),
    }
    page = respond(request, "containers/list.html", context, partial="rows")
    if request.headers.get("HX-Request"):
        # What is typed into the filter can be reloaded, and sent to somebody.
        page["HX-Replace-Url"] = choice.link() if choice != Choice() else base
    return page


@require_POST
@engine_view(Permission.CONTAINER_VIEW)
def columns(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Keep how the person likes lists of containers, of all engines; `usual` forgets it."""
    keep_layout(request)
    return redirect("containers", slug=engine.slug)


def keep_layout(request: HttpRequest) -> None:
    """By the ticks `column`, in their order, and `grouped`."""
    if "usual" in request.POST:
        layout.forget(person(request))
    else:
        layout.keep(person(request), layout.read(request.POST.getlist("column")))


def links(choice: Choice, wanted: Layout) -> dict[str, str]:
    """The links above the table that change what is shown."""
    other = not in_groups(choice, wanted)
    return {
        "all": choice.link(state=""),
        "no_project": choice.link(project=""),
        "other_grouping": choice.link(grouped="" if other == wanted.grouped else str(int(other))),
    }


def in_groups(choice: Choice, wanted: Layout) -> bool:
    return wanted.grouped if choice.grouped is None else choice.grouped


def part(found: Listing, choice: Choice, wanted: Layout, looks: dict[str, Look], first: tuple[Column, ...]) -> Part:
    """The part of the page that shows `found`; `first` are the columns that are always there."""
    shown = [*first, *(COLUMNS[key] for key in wanted.columns)]
    cells = [column.key for column in shown if column.key not in {"name", "state"}]
    as_groups = in_groups(choice, wanted)
    # Two more: of ticks and of buttons.
    width = len(shown) + 2
    html = bodies(grouped(found.rows), cells, looks, width=width) if as_groups else rows(found.rows, cells, looks)
    heads = [(column, choice.by_column[column.key] if column.sorts else "") for column in shown]
    return Part(found, _chips(found, choice), heads, html, as_groups)


@require_POST
@engine_view(Permission.CONTAINER_VIEW)
def bulk(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """`verb` on every `id`, with the ticks of `remove`: a failure is told and stops nothing."""
    verb, ids = request.POST.get("verb", ""), list(dict.fromkeys(request.POST.getlist("id")))
    if verb not in VERBS:
        return HttpResponse("There is no such action.", status=400, content_type="text/plain")
    require(person(request), VERBS[verb][1], engine)
    if len(ids) > MOST_AT_ONCE:
        return too_many(request, reverse("containers", kwargs={"slug": engine.slug}))
    names = {each.id: each.name for each in listing.every(engine)}
    todo = [(engine, container, names.get(container) or container[:12]) for container in ids]
    return told(request, done(request, verb, todo), reverse("containers", kwargs={"slug": engine.slug}))


@dataclass(frozen=True)
class Result:
    """What became of one container; `failure` is empty when it was done."""

    shown: str
    word: str
    failure: str

    def __str__(self) -> str:
        return f"{self.shown}: {self.failure}" if self.failure else f"{self.shown} {self.word}."


def done(request: HttpRequest, verb: str, todo: list[tuple[Engine, str, str]]) -> list[Result]:
    """`verb` on each of `todo` (engine, id, name to tell it by), side by side: one that takes its time to stop holds
    up no other. In the same order.
    """
    by, action = person(request), removal(request.POST) if verb == "remove" else VERBS[verb][0]
    with ThreadPoolExecutor(_THREADS) as pool:
        # Each in a copy of this request's context, in which the audit trail finds where it came from.
        futures = [
            pool.submit(copy_context().run, _in_thread, verb, action, engine, container, by)
            for engine, container, _ in todo
        ]
    word = VERBS[verb][2]
    return [Result(shown, word, future.result()) for (_, _, shown), future in zip(todo, futures, strict=True)]


def told(request: HttpRequest, results: list[Result], back: str) -> HttpResponseBase:
    """A line for each: as a panel that unfolds, failures first, or on the page that follows."""
    if request.headers.get("HX-Request"):
        failed, well = [each for each in results if each.failure], [each for each in results if not each.failure]
        return render(request, "containers/results.html", {"failed": failed, "done": well})
    for each in results:
        (messages.error if each.failure else messages.success)(request, str(each))
    return redirect(back)


def too_many(request: HttpRequest, back: str) -> HttpResponseBase:
    messages.error(request, f"Choose at most {MOST_AT_ONCE} containers at once. Nothing was done.")
    if request.headers.get("HX-Request"):
        return render(request, "fragments/notices.html")
    return redirect(back)


def _in_thread(verb: str, action: Action, engine: Engine, container: str, by: User) -> str:
    try:
        # Again for each: those before may have taken minutes.
        require(by, VERBS[verb][1], engine, container)
        return failure(action, engine, container, by=by)
    except PermissionDenied as denial:
        return str(denial)
    finally:
        # Of this thread: nobody else closes it.
        connection.close()


def _chips(found: Listing, choice: Choice) -> list[tuple[str, int, str, str, bool]]:
    """Of each state: its word, how many, its tone, the link that chooses it or undoes that, whether it is chosen."""
    chips: list[tuple[str, int, str, str, bool]] = []
    for state, number in found.counts:
        tone = "danger" if state == "unhealthy" else tone_of(state, "", None)
        taken = choice.state == state
        chips.append((state, number, tone, choice.link(state="" if taken else state), taken))
    return chips
