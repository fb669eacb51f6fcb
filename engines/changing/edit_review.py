"""What editing a container would come to: what changes, what stays, what is lost, and what stands in the way."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from engines import reach
from engines.changing.actions import LIVE, REMOVABLE
from engines.changing.queries import image
from engines.client.connect import call
from engines.client.errors import EngineError
from engines.client.fields import number, table, tables, text, texts
from engines.containers.queries import Judged
from engines.containers.replaced import anonymous, edition
from engines.creation.forms import RESERVED, CreateForm
from engines.models import Engine
from engines.spec.defaults import subtracted
from engines.spec.inspected import from_inspect
from engines.spec.recreated import kept, recreated
from engines.spec.types import ContainerSpec, Mount

#: Fields of the form that say how it is made, not what it is.
_NOT_OF_IT = frozenset({"form_token", "start", "pull"})
_KINDS = ("changed", "added", "deleted")
_MOST_PLACES = 12
_SIZE_SECONDS = 10


@dataclass(frozen=True)
class Line:
    """Side by side; None where there is none on that side. `tone` is same, changed, added or removed."""

    old: str | None
    new: str | None
    tone: str


@dataclass(frozen=True)
class Change:
    """Of one field of the form."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Lost:
    """What the old container wrote inside itself: how many paths of each kind, where most of them are, and bytes."""

    counts: tuple[tuple[str, int], ...]
    places: tuple[tuple[str, int], ...]
    size_bytes: int | None


@dataclass(frozen=True)
class Review:
    """`request` is the whole request, old and new side by side. `live`: what can be changed without a new container.

    `clashes` are sentences; `kept` names what no field stands for and what goes along; `volumes` have no name.
    """

    changes: tuple[Change, ...]
    request: tuple[Line, ...]
    kept: tuple[str, ...]
    volumes: tuple[Mount, ...]
    clashes: tuple[str, ...]
    live: Mapping[str, object]
    lost: Lost | None
    removes_itself: bool


def as_typed(engine: Engine, inspect: Mapping[str, Any]) -> ContainerSpec:
    """The container of `inspect` as somebody would type it. Raises EngineError."""
    # Its own image, by id: the name may be another's by now. One that was removed gives nothing.
    return subtracted(from_inspect(inspect), image(engine, text(inspect.get("Image"))))


def edited(form: CreateForm, old: ContainerSpec, user: str) -> ContainerSpec:
    """What a valid `form` asks for in the place of `old`. What it cannot say, and nobody touched, stays."""
    new, shown = form.spec(user), CreateForm(CreateForm.of(old).sent())
    shown.full_clean()
    as_shown = shown.spec(user)
    untouched = {
        each.name: getattr(old, each.name)
        for each in fields(old)
        if each.name != "labels" and getattr(new, each.name) == getattr(as_shown, each.name)
    }
    return replace(new, **untouched)


def changes(old: ContainerSpec, new: ContainerSpec) -> tuple[Change, ...]:
    """By the form's fields, in their order; the console's own labels are no change."""
    before, after = CreateForm.of(old), CreateForm.of(new)
    found = []
    for name, field in before.fields.items():
        if name in _NOT_OF_IT:
            continue
        lines = tuple(side_by_side(_shown(before, name), _shown(after, name)))
        if any(line.tone != "same" for line in lines):
            found.append(Change(str(field.label or name), tuple(line for line in lines if line.tone != "same")))
    return tuple(found)


def review(engine: Engine, inspect: Mapping[str, Any], old: ContainerSpec, judged: Judged) -> Review:
    """Of putting what was judged in the place of the container of `inspect`, which `old` is. Raises EngineError."""
    new = judged.spec
    bodies = (recreated(each, inspect, engine.api_version) for each in (old, new))
    texts_of = [json.dumps(each, indent=2, sort_keys=True, ensure_ascii=False).splitlines() for each in bodies]
    return Review(
        changes(old, new),
        tuple(side_by_side(*texts_of)),
        kept(inspect),
        anonymous(inspect),
        tuple(_clashes(engine, text(inspect.get("Id")), old, new)),
        live(old, new),
        lost(engine, inspect),
        old.auto_remove,
    )


def live(old: ContainerSpec, new: ContainerSpec) -> dict[str, object]:
    """Field -> value, where all that differs can be changed while it runs; else empty."""
    found = {
        each.name: getattr(new, each.name)
        for each in fields(new)
        if each.name != "labels" and getattr(new, each.name) != getattr(old, each.name)
    }
    if _own_labels(old) != _own_labels(new):
        return {}
    possible = all(name in LIVE and (value or name in REMOVABLE) for name, value in found.items())
    return found if possible else {}


def lost(engine: Engine, inspect: Mapping[str, Any]) -> Lost | None:
    """What goes with the container; None when the engine cannot say. Of one that wrote much the size takes long."""
    client, container_id = reach.client(engine, _SIZE_SECONDS), text(inspect.get("Id"))
    try:
        written = tables(call(client, "GET", f"/containers/{container_id}/changes"))
    except EngineError:
        return None
    try:
        sized = table(call(client, "GET", f"/containers/{container_id}/json", params={"size": "1"}))
        size: int | None = number(sized.get("SizeRw"))
    except EngineError:
        size = None
    kinds = Counter(number(each.get("Kind")) for each in written)
    paths = [text(each.get("Path")) for each in written]
    # A directory is changed by whatever is added in it, or mounted there: it says nothing of its own.
    silent = {path.rpartition("/")[0] for path in paths}
    silent |= {text(each.get("Destination")) for each in tables(inspect.get("Mounts"))}
    places = Counter("/".join(path.split("/")[:3]) for path in paths if path not in silent)
    return Lost(
        tuple((word, kinds[kind]) for kind, word in enumerate(_KINDS) if kinds[kind]),
        tuple(places.most_common(_MOST_PLACES)),
        size,
    )


def differing(was: str, now: ContainerSpec) -> tuple[Change, ...]:
    """What changed since a form was shown, by the text that came back with it; empty when that cannot be told."""
    try:
        members = json.loads(was)
    except (ValueError, RecursionError):
        return ()
    shown = CreateForm(members if isinstance(members, dict) else {})
    return changes(shown.spec(""), now) if shown.is_valid() else ()


def side_by_side(old: list[str], new: list[str]) -> Iterator[Line]:
    """The lines of both, those that are the same beside each other."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        left, right = old[old_from:old_to], new[new_from:new_to]
        for at in range(max(len(left), len(right))):
            before = left[at] if at < len(left) else None
            after = right[at] if at < len(right) else None
            tone = (
                "same" if kind == "equal" else "added" if before is None else "removed" if after is None else "changed"
            )
            yield Line(before, after, tone)


def seen(inspect: Mapping[str, Any], old: ContainerSpec) -> dict[str, str]:
    """What a form carries of the container that it was filled in from: its edition, and what it showed."""
    return {"seen": edition(inspect), "was": json.dumps(CreateForm.of(old).sent())}


def _shown(form: CreateForm, name: str) -> list[str]:
    value = form[name].value()
    if value is True:
        return ["yes"]
    found = "" if value is None or value is False else str(value)
    labels = dict(getattr(form.fields[name], "choices", []))
    return [labels.get(found, found)] if labels else [line for line in found.splitlines() if line.strip()]


def _own_labels(spec: ContainerSpec) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pair for pair in spec.labels if not pair[0].startswith(RESERVED)))


def _clashes(engine: Engine, container_id: str, old: ContainerSpec, new: ContainerSpec) -> Iterator[str]:
    """What others have by now that the new one wants. The engine decides; this is told before."""
    others = [
        each for each in tables(call(reach.client(engine), "GET", "/containers/json")) if each.get("Id") != container_id
    ]
    taken = {
        (number(port.get("PublicPort")), text(port.get("Type"))): ", ".join(_names(each))
        for each in others
        for port in tables(each.get("Ports"))
    }
    for port in new.ports:
        holder = taken.get((port.public, port.protocol)) if port.public else None
        if holder:
            yield f"Port {port.public} of the host is published by {holder} already."
    named = {name: each for each in others for name in _names(each)}
    if new.name and new.name != old.name and new.name in named:
        yield f"Another container is called {new.name} already."


def _names(entry: Mapping[str, Any]) -> list[str]:
    return [name.removeprefix("/") for name in texts(entry.get("Names"))]
