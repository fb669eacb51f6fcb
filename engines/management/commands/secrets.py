"""`manage.py secrets`: look whether stored secrets open, and seal them under a new key."""

import argparse

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from console.keyfile import RotationRuns
from engines.management import sealed
from engines.trail.write import NotDone


class Command(BaseCommand):
    help = "Look whether stored secrets open (verify), or seal them all under a new key (rotate)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("verify", help="Open every stored secret; exit with 1 and name those that do not open.")
        rotate = verbs.add_parser("rotate", help="Seal everything under a new key, then remove the old one.")
        rotate.add_argument(
            "--wait", type=float, default=60, help="Seconds until the old key is removed. Default: %(default)s."
        )

    def handle(self, *args: object, verb: str, wait: float = 0, **options: object) -> None:
        if verb == "verify":
            self._verify()
        else:
            self._rotate(wait)

    def _verify(self) -> None:
        keys = list(settings.ENCRYPTION_KEYS)
        broken = list(sealed.unopened(keys))
        for name in broken:
            self.stderr.write(f"Does not open: {name}")
        number = sealed.stored()
        if broken:
            raise CommandError(f"{len(broken)} of {number} stored secrets do not open with the keys of this console.")
        self.stdout.write(f"Stored secrets that open: {number}.")
        old = sum(1 for _ in sealed.unopened(keys[:1]))
        if len(keys) > 1:
            self.stdout.write(f"Of these under the old key: {old}. `manage.py secrets rotate` finishes and removes it.")

    def _rotate(self, wait: float) -> None:
        try:
            sealed.rotate(wait, self.stdout.write)
        except RotationRuns as error:
            raise CommandError("Another rotation is running.") from error
        except NotDone as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted: everything opens; run it again to go on.", returncode=130) from None
        self.stdout.write("Done, and the old key is removed. Older backups of the database need older copies of keys/.")
