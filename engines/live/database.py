"""Database reads of sockets: in threads that keep their connections, since sockets ask many small questions.

Django closes a connection at the end of each request; a socket has no end to wait for, and opening one costs more
than most of its questions.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

T = TypeVar("T")

_THREADS = ThreadPoolExecutor(2, thread_name_prefix="live-database")


async def ask(function: Callable[..., T], *args: object) -> T:
    """What `function` gives, called in one of the threads. A broken connection is closed; the next call opens anew."""
    # With the caller's context, which says where a socket comes from.
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_THREADS, run, _call, function, args)


def _call(function: Callable[..., T], args: tuple[object, ...]) -> T:
    try:
        return function(*args)
    except (DatabaseError, InterfaceError):
        connection.close()
        raise
