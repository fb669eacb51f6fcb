"""What must be in place before the processes start: the database's tables, the static files, an administrator.

Each step first looks whether there is anything to do, since most starts find everything as it was.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from engines.accounts import actions


def migrate() -> bool:
    """Bring the tables up to date. Whether there was anything to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def collect_static() -> bool:
    """Gather hashed and compressed static files into STATIC_ROOT. Whether there was anything to do."""
    if settings.STATIC_COLLECTED:
        return False
    stamp = settings.STATIC_ROOT / ".collected"
    state = _static_state()
    if stamp.exists() and stamp.read_text() == state:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)
    return True


def create_administrator() -> bool:
    """Create the administrator whom the settings name. Whether one was created. Raises AdministratorRefusedError."""
    return actions.create_administrator_from_settings(settings.ADMIN_USERNAME, settings.ADMIN_PASSWORD)


def _static_state() -> str:
    """A digest of the sources' names, sizes and times, and of the settings that shape what becomes of them."""
    digest = hashlib.sha256(repr(settings.STORAGES).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
