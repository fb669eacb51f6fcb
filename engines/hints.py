"""Hints between processes through the channel layer: "something changed", never what. Readers ask the source again."""

import logging
import uuid
from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: What a page may have to ask for again.
TOPICS = frozenset({"state", "containers", "images", "networks", "volumes", "operations"})

#: Group of pages that show several engines.
FLEET = "fleet"

#: Group of all open sockets.
ACCESS = "access"


def engine_group(engine_pk: int) -> str:
    """Group of the pages about one engine."""
    return f"engine.{engine_pk}"


def operation_group(operation_id: uuid.UUID) -> str:
    """Group of the sockets that show one operation's log."""
    return f"operation.{operation_id.hex}"


async def announce_change(engine_pk: int, topic: str) -> None:
    """Tell the pages of this engine and of the fleet that `topic` changed. A lost hint costs freshness only."""
    layer = get_channel_layer()
    message = {"type": "engine.changed", "engine": engine_pk, "topic": topic}
    await layer.group_send(engine_group(engine_pk), message)
    await layer.group_send(FLEET, message)


async def announce_access() -> None:
    """Tell all open sockets that somebody's rights, account or sessions changed: each asks its gate again at once.

    A lost hint costs seconds: they ask by themselves, too.
    """
    await get_channel_layer().group_send(ACCESS, {"type": "access.changed"})


async def announce_advance(operation_id: uuid.UUID) -> None:
    """Tell the watchers of an operation that its row or log has grown."""
    await get_channel_layer().group_send(operation_group(operation_id), {"type": "operation.advanced"})


def tell(announce: Callable[..., Awaitable[None]], *args: object) -> None:
    """`try_to` for synchronous code."""
    async_to_sync(try_to)(announce, *args)


async def try_to(announce: Callable[..., Awaitable[None]], *args: object) -> None:
    """Send a hint. Redis away is no failure of what was done: readers look again by themselves every few seconds."""
    try:
        await announce(*args)
    except (OSError, RedisError):
        log.warning("no hint sent: Redis does not answer")
