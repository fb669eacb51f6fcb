"""How processes are to be shown."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

#: Column of `ps -o`, and what it is.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("ppid", "parent"),
    ("user", "user"),
    ("group", "group"),
    ("stat", "state"),
    ("nlwp", "threads"),
    ("ni", "niceness"),
    ("pcpu", "CPU, %"),
    ("pmem", "memory, %"),
    ("rss", "memory, KiB"),
    ("vsz", "address space, KiB"),
    ("lstart", "started at"),
    ("etime", "running for"),
    ("time", "CPU time"),
    ("wchan", "waits in"),
    ("comm", "program"),
    ("args", "command"),
)
_USUAL = ("ppid", "user", "stat", "pcpu", "pmem", "rss", "etime", "args")
_KNOWN = frozenset(name for name, _ in COLUMNS)
#: Seconds between two looks; 0 for none.
EVERY = (0, 2, 5, 10)


@dataclass(frozen=True)
class View:
    """Which columns, sorted by which title, and how often looked at again. Anything else in a query is the default.

    `own`: as the engine shows them when it is told nothing, for hosts whose `ps` is a small one.
    """

    columns: tuple[str, ...] = _USUAL
    sort: str = ""
    descending: bool = False
    every: int = 0
    own: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> "View":
        asked = query.getlist("column")
        every, sort = query.get("every", ""), query.get("sort", "")[:40]
        return cls(
            tuple(name for name, _ in COLUMNS if name in asked) or _USUAL,
            sort.removeprefix("-"),
            sort.startswith("-"),
            int(every) if every in {str(seconds) for seconds in EVERY} else 0,
            query.get("own") == "1",
        )

    @property
    def arguments(self) -> str:
        """What `ps` is told. Only columns of the list above: it runs on the engine's host."""
        return "" if self.own else f"-eo pid,{','.join(self.columns)}"

    def link(self, title: str) -> str:
        """The query string that sorts by `title`, or turns that around."""
        turned = self.sort == title and not self.descending
        pairs = [("column", name) for name in self.columns] if self.columns != _USUAL else []
        more = [("every", str(self.every))] if self.every else []
        own = [("own", "1")] if self.own else []
        return "?" + urlencode([*pairs, *more, *own, ("sort", f"-{title}" if turned else title)])
