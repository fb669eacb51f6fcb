"""What all pages of one container share: its name and state, what one may do to it, and its tabs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from engines import access
from engines.client.endpoint import parse
from engines.client.errors import EngineReplied
from engines.client.ids import IdInvalid
from engines.containers import actions, entry, queries
from engines.containers.types import Detail, masked
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import person

#: URL name, label, icon, and what one needs to hold to be offered it. The server asks again.
TABS: tuple[tuple[str, str, str, Permission], ...] = (
    ("container", "Overview", "box", Permission.CONTAINER_VIEW),
    ("container-logs", "Logs", "scroll-text", Permission.CONTAINER_LOGS),
    ("container-terminal", "Terminal", "square-terminal", Permission.CONTAINER_EXEC),
    ("container-stats", "Stats", "activity", Permission.CONTAINER_VIEW),
    ("container-files", "Files", "folder-open", Permission.CONTAINER_FILES),
    ("container-processes", "Processes", "list-tree", Permission.CONTAINER_TOP),
    ("container-changes", "Changes", "file-diff", Permission.CONTAINER_VIEW),
    ("container-health", "Health", "heart-pulse", Permission.CONTAINER_VIEW),
    ("container-inspect", "Inspect", "braces", Permission.CONTAINER_VIEW),
    ("container-as", "Command", "terminal", Permission.CONTAINER_VIEW),
    ("container-networks", "Networks", "network", Permission.NETWORK_VIEW),
    ("container-why", "Why it stopped", "circle-question-mark", Permission.CONTAINER_VIEW),
)
_OF_CONTAINERS = tuple(name for name in Permission if name.value.startswith("container."))
#: What an engine's limits may keep from those who may not attach.
_LOGS = frozenset({Permission.CONTAINER_LOGS, Permission.CONTAINER_TOP})


class Gone(Http404):
    """There is no such container, or none any more."""


@dataclass(frozen=True)
class Shown:
    """A container as it is now. `inspect` is without what the person may not see, as is `detail`."""

    inspect: Mapping[str, Any]
    detail: Detail
    held: frozenset[Permission]

    @property
    def sees_values(self) -> bool:
        """Whether values of the environment and arguments, which may be secrets, are shown: to those who could read
        them inside anyway.
        """
        return Permission.CONTAINER_START in self.held


def shown(request: HttpRequest, engine: Engine, container: str) -> Shown:
    """One container, by one inspect. Raises Gone, Http404 for what cannot be one, and EngineError."""
    held = access.held(person(request), engine)
    try:
        inspect = queries.inspected(engine, container)
    except IdInvalid as error:
        raise Http404("No such container.") from error
    except EngineReplied as error:
        if error.status != 404:
            raise
        raise Gone("No such container.") from error
    if Permission.CONTAINER_START not in held:
        inspect = masked(inspect)
    return Shown(inspect, Detail.from_api(inspect), held)


def frame(engine: Engine, found: Shown, tab: str) -> dict[str, object]:
    """The context of `containers/frame.html`. `tab` is the URL name of the page that is open."""
    return {
        "engine": engine,
        "container": found.detail,
        "base": reverse("containers", kwargs={"slug": engine.slug}),
        "may": offered(found.held),
        "signals": [name for name in actions.SIGNALS if name != "KILL"],
        "tab": tab,
        "tabs": tabs(engine, found, tab),
    }


def offered(held: frozenset[Permission]) -> dict[str, bool]:
    """Verb, such as `start` or `create_unlimited` -> whether to offer it. The server asks again when one is used."""
    return {name.value.removeprefix("container.").replace("-", "_"): name in held for name in _OF_CONTAINERS}


def tabs(engine: Engine, found: Shown, tab: str) -> list[tuple[str, str, str, bool]]:
    """Address, label, icon, and whether it is the open one."""
    own = {"slug": engine.slug, "container": found.detail.id}
    return [
        (reverse(name, kwargs=own), label, icon, name == tab)
        for name, label, icon, permission in TABS
        if permission in found.held and _applies(name, found.detail)
        if permission not in _LOGS or entry.may_read_log(found.held, engine)
    ]


def _applies(name: str, detail: Detail) -> bool:
    """Whether the tab has something to show of this container."""
    if name == "container-health":
        return bool(detail.health)
    return name != "container-why" or detail.finished is not None


def published_host(request: HttpRequest, engine: Engine) -> str:
    """The host name under which published ports are reached: behind a unix socket, the console's own."""
    return parse(engine.url).host or request.get_host().rpartition(":")[0] or request.get_host()
