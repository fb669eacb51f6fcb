"""`manage.py watch`: the watcher process."""

import asyncio
import signal

from django.core.management.base import BaseCommand

from engines.watcher.run import Watcher


class Command(BaseCommand):
    help = "Follow the events of every engine, keep their states, and hint the pages."

    def handle(self, *args: object, **options: object) -> None:
        asyncio.run(_watch())


async def _watch() -> None:
    watching = asyncio.ensure_future(Watcher().run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    try:
        await watching
    except asyncio.CancelledError:
        return
