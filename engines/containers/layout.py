"""How a person likes their lists of containers: which columns, in which order, and whether grouped by project."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User

from engines.models import ListChoice

_NAME = "containers"
#: Kept among the names of the columns: rows stand under headings of their Compose projects.
_GROUPED = "grouped"


@dataclass(frozen=True)
class Column:
    """`css` says at which widths it is shown; `sorts`, whether the list can be sorted by it."""

    key: str
    label: str
    css: str = ""
    sorts: bool = True


#: Name and state stand before them, always.
COLUMNS = {
    column.key: column
    for column in (
        Column("image", "Image", "p2"),
        Column("project", "Project", "p3"),
        Column("service", "Service", "p3"),
        Column("ports", "Ports", "p3", sorts=False),
        Column("ip", "Address", "p3"),
        Column("networks", "Networks", "p3"),
        Column("command", "Command", "p3", sorts=False),
        Column("mounts", "Mounts", "p3 num"),
        Column("size", "Written", "p3 num"),
        Column("labels", "Labels", "p3", sorts=False),
        Column("cpu", "CPU", "p4 num live", sorts=False),
        Column("memory", "Memory", "p4 num live", sorts=False),
        Column("status", "Status", "p3", sorts=False),
        Column("created", "Created", "p2"),
    )
}
USUAL = ("image", "project", "ports", "cpu", "memory", "created")


@dataclass(frozen=True)
class Layout:
    """`columns` are keys of COLUMNS."""

    columns: tuple[str, ...] = USUAL
    grouped: bool = False

    @property
    def sizes(self) -> bool:
        """Whether engines are asked what each container wrote, which costs them."""
        return "size" in self.columns

    @property
    def live(self) -> bool:
        return bool({"cpu", "memory"} & set(self.columns))

    @property
    def offered(self) -> list[tuple[Column, bool]]:
        """Every column and whether it is shown: those that are first, in their order."""
        rest = [column for key, column in COLUMNS.items() if key not in self.columns]
        return [(COLUMNS[key], True) for key in self.columns] + [(column, False) for column in rest]


def of(user: User) -> Layout:
    """What `user` chose, or the usual."""
    kept = ListChoice.objects.filter(user=user, name=_NAME).values_list("columns", flat=True).first()
    return Layout() if kept is None else read(name for name in kept if isinstance(name, str))


def read(names: Iterable[str]) -> Layout:
    """From names of columns, in order; what is none is left out."""
    asked = list(dict.fromkeys(names))
    return Layout(tuple(name for name in asked if name in COLUMNS), _GROUPED in asked)


def keep(user: User, layout: Layout) -> None:
    """From now on their lists look so."""
    names = [*layout.columns, *([_GROUPED] if layout.grouped else [])]
    ListChoice.objects.update_or_create(user=user, name=_NAME, defaults={"columns": names})


def forget(user: User) -> None:
    """Their lists look as usual again."""
    ListChoice.objects.filter(user=user, name=_NAME).delete()
