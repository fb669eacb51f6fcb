"""`manage.py audit`: look whether the audit trail is whole, and write it out."""

import argparse
import time
from collections.abc import Iterator

from django.core.management.base import BaseCommand, CommandError

from engines.models import AuditEntry, AuditHead, AuditSink
from engines.trail import append_only, chain
from engines.trail import write as trail
from engines.trail.lines import line

_CHUNK_ROWS = 2000


class Command(BaseCommand):
    help = "Look whether the audit trail is whole (verify), or write all of it out (export)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "verify", help="Check every entry; exit with 1 and name the first that was changed or is gone."
        )
        export = verbs.add_parser("export", help="Write every entry to standard output, oldest first.")
        export.add_argument("--format", choices=["jsonl"], default="jsonl", help="Default: %(default)s.")

    def handle(self, *args: object, verb: str, **options: object) -> None:
        if verb == "verify":
            self._verify()
        else:
            self._export()

    def _verify(self) -> None:
        if not append_only.installed():
            self.stderr.write("The triggers that keep entries from being changed are missing; `migrate` makes them.")
        began = time.monotonic()
        head = AuditHead.objects.first()
        end = head.seq if head else 0
        found = chain.first_break(_entries(end), head) or _shipped_further(end)
        seconds = time.monotonic() - began
        if found:
            raise CommandError(f"Broken at entry {found.seq}. {found.sentence}")
        if not append_only.installed():
            raise CommandError("The entries are whole, but nothing in the database keeps them from being changed.")
        self.stdout.write(f"Whole: {end} entries, checked in {seconds:.1f} s ({_speed(end, seconds)}).")

    def _export(self) -> None:
        end = AuditHead.objects.values_list("seq", flat=True).first() or 0
        trail.note("audit.export", by=None, parameters={"format": "jsonl", "filter": f"all up to {end}"})
        for entry in _entries(end):
            self.stdout.write(line(entry))


def _entries(end: int) -> Iterator[AuditEntry]:
    """In order, up to `end`: what is added meanwhile is not looked at."""
    return AuditEntry.objects.filter(seq__lte=end).order_by("seq").iterator(chunk_size=_CHUNK_ROWS)


def _shipped_further(end: int) -> chain.Break | None:
    sink = AuditSink.objects.filter(seq__gt=end).order_by("-seq").first()
    if sink is None:
        return None
    sentence = f"The trail ends at entry {end}, but the {sink.get_kind_display().lower()} was given up to {sink.seq}."
    return chain.Break(end + 1, f"{sentence} Compare with what was shipped.")


def _speed(entries: int, seconds: float) -> str:
    return f"{seconds / entries * 100_000:.1f} s per 100,000" if entries else "empty"
