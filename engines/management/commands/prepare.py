"""Bring tables and static files up to date and make the configured administrator, without starting anything."""

from django.core.management.base import BaseCommand, CommandError

from engines.accounts.actions import AdministratorRefusedError
from engines.management import preparation, sealed


class Command(BaseCommand):
    help = "Bring tables and static files up to date and make the administrator of the settings. Safe to repeat."

    def handle(self, *args: object, **options: object) -> None:
        try:
            done = {
                "tables": preparation.migrate(),
                "static files": preparation.collect_static(),
                "administrator": preparation.create_administrator(),
            }
        except AdministratorRefusedError as error:
            raise CommandError(str(error)) from error
        made = [name for name, changed in done.items() if changed]
        self.stdout.write(f"Prepared: {', '.join(made) or 'nothing to do'}.")
        if unopened := sealed.warning():
            self.stderr.write(unopened)
