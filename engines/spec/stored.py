"""A ContainerSpec as JSON, for the inputs of operations and templates: exact, and strict when read back."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from engines.spec.types import ContainerSpec


def stored(spec: ContainerSpec) -> dict[str, Any]:
    """Of `spec` what is not as it is by default."""
    return _members(spec)


def restored(members: Mapping[str, Any]) -> ContainerSpec:
    """What `stored` was given. Raises ValueError for anything else: a wrong type, an unknown or a missing member."""
    spec: ContainerSpec = _object(ContainerSpec, members, "spec")
    return spec


def _members(value: Any) -> dict[str, Any]:
    found = ((each, getattr(value, each.name)) for each in fields(value))
    return {each.name: _plain(member) for each, member in found if not _usual(each, member)}


def _usual(each: Field[Any], member: object) -> bool:
    return each.default is not MISSING and member == each.default


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _members(value) if is_dataclass(value) else value


def _read(kind: Any, value: Any, place: str) -> Any:
    """`value` as a `kind`, an annotation of types.py. `place` is told when it is none."""
    if get_origin(kind) is UnionType:
        others = [each for each in get_args(kind) if each is not NoneType]
        return None if value is None else _read(others[0], value, place)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), value, place)
    if is_dataclass(kind):
        return _object(kind, value, place)
    # True is an int to isinstance.
    if type(value) is not kind:
        raise ValueError(f"{place} is no {kind.__name__}")
    return value


def _tuple(kinds: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is no list")
    each_of = [kinds[0]] * len(value) if kinds[-1] is Ellipsis else list(kinds)
    if len(each_of) != len(value):
        raise ValueError(f"{place} has {len(value)} members")
    return tuple(
        _read(kind, each, f"{place}[{at}]") for at, (kind, each) in enumerate(zip(each_of, value, strict=True))
    )


def _object(kind: Any, value: Any, place: str) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or not hints.keys() >= value.keys():
        raise ValueError(f"{place} has members that no {kind.__name__} has")
    try:
        return kind(**{name: _read(hints[name], each, f"{place}.{name}") for name, each in value.items()})
    except TypeError as error:
        raise ValueError(f"{place} lacks members") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
