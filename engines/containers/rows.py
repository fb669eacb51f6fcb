"""The rows of the list as HTML. In Python, since a template takes eight times as long for 500 of them (measured)."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2s
from html import escape
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from engines.containers.listing import STATES
from engines.containers.types import Container, Port, tone_of
from engines.web.templatetags.ui import since_words, size

#: Of buttons: a page of 500 rows would be twice as long with the drawings themselves.
_ICON = '<svg class="icon" width="16" height="16" aria-hidden="true"><use href="#i-{}"/></svg>'
_HEAD = (
    '<tbody id="g-{key}" data-group="{name}"><tr class="group"><td class="pick"><input type="checkbox" data-all-of'
    ' aria-label="Choose all of {shown}"></td><th scope="rowgroup" colspan="{span}"><button type="button"'
    ' class="fold" data-fold aria-expanded="true">{shown}</button><span class="chips">{chips}</span></th></tr>'
)
#: State -> verb, label and icon of the button in the row.
_FIRST = {
    "running": ("stop", "Stop", _ICON.format("square")),
    "restarting": ("stop", "Stop", _ICON.format("square")),
    "paused": ("unpause", "Unpause", _ICON.format("play")),
}
_OTHERWISE = ("start", "Start", _ICON.format("play"))
_MORE = _ICON.format("ellipsis-vertical")
_MOST_PORTS = 6
_MOST_LABELS = 4
_LONGEST_KEPT = 200
#: Cut off where there is little room, and so told in full by its title.
_LONG_NAME = 20
#: States in which a container uses CPU and memory.
_LIVE = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True)
class Look:
    """How rows of one engine's containers look: where they lead, and what is offered and shown.

    `base` is the address of its list, `host` the engine's host as browsers reach it, `values` whether arguments are
    shown, which may be secrets. `engine` is its name where rows of several engines stand together; `row` and `value`
    then tell its rows from those of others.
    """

    base: str
    host: str
    may: Mapping[str, bool]
    values: bool
    engine: str = ""
    row: str = "c-"
    value: str = ""


def rows(containers: Iterable[Container], columns: Sequence[str], looks: Mapping[str, Look]) -> SafeString:
    """A row each. `looks` is by the engine's slug; everything that comes from an engine is escaped here."""
    return mark_safe("".join(_rows(containers, columns, looks)))  # noqa: S308 (escaped field by field)


def bodies(
    groups: Iterable[tuple[str, list[Container]]], columns: Sequence[str], looks: Mapping[str, Look], *, width: int
) -> SafeString:
    """A table body with a heading for each group, by its project; `width` is how many columns the table has."""
    html = [
        _head(project, members, width) + "".join(_rows(members, columns, looks)) + "</tbody>"
        for project, members in groups
    ]
    return mark_safe("".join(html))  # noqa: S308 (escaped field by field)


def _rows(containers: Iterable[Container], columns: Sequence[str], looks: Mapping[str, Look]) -> list[str]:
    now = time.time()
    cells = [_CELLS[key] for key in columns]
    return [_row(each, cells, looks[each.engine], now) for each in containers]


def _row(container: Container, cells: "list[_Cell]", look: Look, now: float) -> str:
    identity, name = escape(container.id), escape(container.name or container.id[:12])
    live = " data-live" if container.state in _LIVE else ""
    shown = "".join([cell(container, look, now) for cell in cells])
    hint = f' title="{name}"' if len(name) > _LONG_NAME else ""
    tick = f'<input type="checkbox" name="id" value="{look.value}{identity}" aria-label="Choose {name}">'
    return (
        f'<tr id="{look.row}{identity}"{live}><td class="pick">{tick}</td>'
        f'<th scope="row"{hint}><a href="{look.base}{identity}/">{name}</a><span class="id">{identity[:12]}</span></th>'
        f'<td class="state"><span class="badge {container.tone}">{escape(container.word)}</span></td>'
        f'{shown}<td class="act">{_actions(container, look, identity, name)}</td></tr>'
    )


def _actions(container: Container, look: Look, identity: str, name: str) -> str:
    verb, label, icon = _FIRST.get(container.state, _OTHERWISE)
    path, first, menu = f"{look.base}{identity}/", "", ""
    if look.may[verb]:
        first = (
            f'<button class="btn ghost small icon-only" formaction="{path}{verb}/" name="shown" value="{name}"'
            f' title="{label}" aria-label="{label} {name}">{icon}</button>'
        )
    if look.may["remove"]:
        menu = (
            f'<button type="button" class="btn ghost small icon-only" popovertarget="row-menu" data-row'
            f' data-name="{name}" data-state="{escape(container.state)}" aria-label="More for {name}">{_MORE}</button>'
        )
    return first + menu


def _head(project: str, members: list[Container], width: int) -> str:
    counted = Counter(each.group for each in members)
    chips = "".join(
        f'<span class="chip {"danger" if state == "unhealthy" else tone_of(state, "", None)}">{counted[state]} {state}'
        "</span>"
        for state in STATES
        if counted[state]
    )
    # An id may hold no blanks, and a project's name is whatever its label says.
    key = blake2s(project.encode(errors="replace"), digest_size=8).hexdigest()
    shown = escape(project) or "No project"
    return _HEAD.format(key=key, name=escape(project), shown=shown, span=width - 1, chips=chips)


_Cell = Callable[[Container, Look, float], str]


def _plain(css: str, read: Callable[[Container], str]) -> _Cell:
    """A cell that is cut off where it is too long, and then has its whole text as a title."""

    def cell(container: Container, _look: Look, _now: float) -> str:
        return _kept(_clipped, css, read(container))

    return cell


def _clipped(css: str, text: str) -> str:
    if not text:
        return f'<td class="{css}"></td>'
    shown = escape(text)
    return f'<td class="{css}"><div class="clip" title="{shown}">{shown}</div></td>'


def _engine(_container: Container, look: Look, _now: float) -> str:
    return f'<td class="more engine"><div class="clip"><a href="{look.base}">{escape(look.engine)}</a></div></td>'


def _of_project(css: str, name: str) -> str:
    if not name:
        return f'<td class="{css}"></td>'
    link = f'<a href="?project={escape(quote(name, safe=""))}" title="Only this project">{escape(name)}</a>'
    return f'<td class="{css}"><div class="clip">{link}</div></td>'


def _kept(make: Callable[[str, str], str], css: str, text: str) -> str:
    """What `make` gives. Images, networks and projects of a list are few: made once, unless too long to keep."""
    return _remembered(make, css, text) if len(text) <= _LONGEST_KEPT else make(css, text)


@lru_cache(maxsize=4096)
def _remembered(make: Callable[[str, str], str], css: str, text: str) -> str:
    return make(css, text)


def _command(container: Container, look: Look, _now: float) -> str:
    words = container.command
    if not look.values:
        first, _, rest = words.partition(" ")
        words = f"{first} ••••••" if rest else first
    shown = escape(words)
    return f'<td class="p3"><div class="clip" title="{shown}"><code>{shown}</code></div></td>'


def _labels(container: Container, _look: Look, _now: float) -> str:
    texts = [escape(f"{name}={value}") for name, value in sorted(container.labels.items())]
    shown = ", ".join(texts[:_MOST_LABELS])
    more = f" and {len(texts) - _MOST_LABELS} more" if len(texts) > _MOST_LABELS else ""
    return f'<td class="p3"><div class="clip" title="{"&#10;".join(texts)}">{shown}{more}</div></td>'


def _created(container: Container, _look: Look, now: float) -> str:
    exact = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(container.created, 1 << 40)))
    return f'<td class="p2" title="{exact}">{since_words(max(0.0, now - container.created))}</td>'


def _ports(container: Container, look: Look, _now: float) -> str:
    return f'<td class="p3">{_port_links(container.ports, look.host)}</td>'


def _port_links(ports: tuple[Port, ...], host: str) -> str:
    if not ports:
        return ""
    shown = " ".join(_port(port, host) for port in ports[:_MOST_PORTS])
    rest = ports[_MOST_PORTS:]
    if not rest:
        return shown
    return f'{shown} <span class="muted" title="{escape(", ".join(map(str, rest)))}">and {len(rest)} more</span>'


def _port(port: Port, host: str) -> str:
    text, link = escape(str(port)), port_link(port, host)
    if not link:
        return f'<span class="muted">{text}</span>'
    return f'<a class="port" href="{escape(link)}" rel="noreferrer">{text}</a>'


def port_link(port: Port, host: str) -> str:
    """Where a browser finds what is published there, or empty; `host` is the engine's, as the browser reaches it."""
    if not port.public or port.protocol != "tcp" or (port.local and host not in {"127.0.0.1", "localhost"}):
        return ""
    return f"http://{f'[{host}]' if ':' in host else host}:{port.public}/"


#: Key of a column -> its cell.
_CELLS: dict[str, _Cell] = {
    "engine": _engine,
    "image": _plain("p2", lambda each: each.image),
    "project": lambda each, _look, _now: _kept(_of_project, "p3", each.project),
    "service": _plain("p3", lambda each: each.service),
    "ports": _ports,
    "ip": _plain("p3", lambda each: ", ".join(address for _, address in each.networks if address)),
    "networks": _plain("p3", lambda each: ", ".join(name for name, _ in each.networks)),
    "command": _command,
    "mounts": lambda each, _look, _now: f'<td class="p3 num">{each.mounts or ""}</td>',
    "size": lambda each, _look, _now: f'<td class="p3 num">{size(each.size_bytes)}</td>',
    "labels": _labels,
    # Filled in by the page, from the engine's statistics.
    "cpu": lambda _each, _look, _now: '<td class="p4 num cpu" hx-morph-skip></td>',
    "memory": lambda _each, _look, _now: '<td class="p4 num memory" hx-morph-skip></td>',
    "status": _plain("p3", lambda each: each.status),
    "created": _created,
}
