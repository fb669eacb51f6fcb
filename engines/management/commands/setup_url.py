"""Print a one-time address at which the first administrator is made."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engines.accounts import actions, queries


class Command(BaseCommand):
    help = "Print a one-time address at which the first administrator is made. Earlier addresses stop working."

    def handle(self, *args: object, **options: object) -> None:
        if queries.administrator_exists():
            raise CommandError("There is an administrator already; the set-up page is gone.")
        self.stdout.write(f"{settings.PUBLIC_URL}/setup/?token={actions.issue_token()}")
