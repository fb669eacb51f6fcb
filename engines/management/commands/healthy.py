"""Exit code 0 when one process of the console works, else 1: for health checks of containers."""

import argparse
import http.client

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from engines.web import health


class Command(BaseCommand):
    help = "Exit with 0 when this process of the console works, else with 1."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("process", choices=["web", "worker", "watcher"])

    def handle(self, *args: object, process: str, **options: object) -> None:
        if not (_web_answers() if process == "web" else health.reports(process)):
            raise CommandError(f"{process} does not report.")


def _web_answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
