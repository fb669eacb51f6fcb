"""Reads of recordings."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import BinaryIO

from django.core.paginator import Page, Paginator
from django.db.models import Q

from engines.models import Engine, Recording
from engines.terminals.cast import path_of

_ROWS = 50
_BLOCK_BYTES = 256 << 10


@dataclass(frozen=True)
class Kept:
    """A recording's file: whether it is there, and is the one that the audit trail names."""

    there: bool
    unchanged: bool


def recordings(engine: Engine, words: str, page: int) -> Page[Recording]:
    """Those of an engine, newest first, that hold all `words` in person, container or command."""
    found = Recording.objects.filter(engine=engine)
    for word in words.split():
        found = found.filter(
            Q(user_name__icontains=word)
            | Q(container_name__icontains=word)
            | Q(container_id__startswith=word)
            | Q(command__icontains=word)
        )
    return Paginator(found, _ROWS).get_page(page)


def kept(recording: Recording) -> Kept:
    """Reads the whole file, of at most some 64 MiB."""
    try:
        with path_of(recording).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return Kept(there=False, unchanged=False)
    return Kept(there=True, unchanged=digest == recording.digest)


async def blocks(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    """All of `file`, read as it is asked for, and closed."""
    with file:
        while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
            yield block
