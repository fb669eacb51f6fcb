"""Start builds. Know no HTTP."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import User

from engines.builds.types import BuildSpec
from engines.client import context
from engines.models import Engine, Operation
from engines.operations import actions


def spool_dockerfile(text: str) -> str:
    """Write a context that holds `text` as its Dockerfile alone; its name in the spool. Raises ContextRefused."""
    # A browser sends CRLF; the classic builder would take the CR into commands.
    clean = text.replace("\r\n", "\n")
    return _spool(lambda target: context.from_dockerfile(clean, target))


def spool_context(source: BinaryIO, dockerfile: str) -> str:
    """Write an uploaded archive anew as a clean tar; its name in the spool. Raises ContextRefused."""
    return _spool(lambda target: context.rewrite(source, target, dockerfile=dockerfile))


def start(engine: Engine, spec: BuildSpec, *, by: User, form_token: uuid.UUID) -> Operation:
    """Queue the build of a spooled context."""
    title = f"Build {spec.tags[0] if spec.tags else 'an image without name'}"
    return actions.start(engine, "image.build", spec.to_json(), title=title, by=by, form_token=form_token)


def _spool(write: Callable[[BinaryIO], object]) -> str:
    spool = Path(settings.SPOOL_DIR)
    partial = spool / f"{uuid.uuid4().hex}.partial"
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as target:
            write(target)
            target.seek(0)
            # Named by its content: what an operation refers to can be removed, but never become another context.
            path = spool / f"{hashlib.file_digest(target, 'sha256').hexdigest()}.tar"
        # Whole or not at all: a worker never sees half a context.
        partial.rename(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    return path.name
