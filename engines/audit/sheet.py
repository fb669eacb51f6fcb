"""The trail as files to take away. Lines hold no raw control characters, and no cell starts a formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

from engines.audit.types import Act
from engines.trail import lines

HEAD = (
    *("number", "intent", "begun", "ended", "seconds", "person", "address", "via", "act", "engine", "object"),
    *("outcome", "sentence", "parameters", "requests", "operation", "hash"),
)
#: What spreadsheet programs take for the beginning of a formula, also behind blanks and in full width.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠\t\r]")


def csv_head() -> str:
    return _row(HEAD)


def csv_lines(acts: Iterable[Act]) -> str:
    """One line per act."""
    return "".join(_row(_cells(act)) for act in acts)


def json_lines(acts: Iterable[Act]) -> str:
    """One line per entry, as they are shipped: an act's intent, then its outcome."""
    return "".join(f"{lines.line(entry)}\n" for act in acts for entry in act.entries)


def safe(value: object) -> str:
    """`value` as a cell: an apostrophe before what would be a formula, control and direction marks made visible."""
    given = str(value)
    text = given if given.isprintable() else "".join(_shown(character) for character in given)
    return f"'{text}" if _FORMULA.match(text) or _FORMULA.match(given) else text


def _shown(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"}:
        return character
    return f"\\u{ord(character):04x}"


def _cells(act: Act) -> list[object]:
    last, first = act.last, act.entries[0]
    made = [f"{one['method']} {one['path']} {one['status']} {one['ms']} ms" for one in last.requests]
    told = [f"{name}={value}" for name, value in last.parameters.items()]
    return [
        *(last.seq, last.intent or "", first.at.isoformat(), last.at.isoformat() if last.outcome else ""),
        *("" if act.seconds is None else f"{act.seconds:.3f}", last.actor_name, last.address, last.via, last.act),
        *(last.engine_name, last.subject, act.state, last.sentence, "; ".join(told), "; ".join(made)),
        *(last.operation or "", last.hash),
    ]


def _row(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([safe(cell) for cell in cells])
    return text.getvalue()
