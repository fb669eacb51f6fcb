"""The watcher: one Follower per enabled engine, begun and ended as rows come, change and go."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError

from engines.client import ssh
from engines.client.endpoint import Endpoint
from engines.operations.reconcile import reconcile
from engines.watcher import store
from engines.watcher.follow import Follower
from engines.watcher.gather import Gatherer
from engines.watcher.reading import Reading
from engines.watcher.store import Target

log = logging.getLogger(__name__)
T = TypeVar("T")

_ROWS_SECONDS = 1.0
_CONTACT_SECONDS = 5.0


@dataclass(frozen=True)
class _Followed:
    """An engine that is followed by what its row said; `follower` is None when the row cannot be used."""

    row: tuple[str, ...]
    endpoint: Endpoint | None
    task: asyncio.Task[None]
    follower: Follower | None


class Watcher:
    """Runs until cancelled. All database work is done in one thread, so that no engine's stream waits for it."""

    def __init__(self) -> None:
        self._database = ThreadPoolExecutor(1, thread_name_prefix="watcher-database")
        # The network of a log server must not hold up anything else.
        self._shipping = ThreadPoolExecutor(1, thread_name_prefix="watcher-audit")
        self._following: dict[int, _Followed] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """For ever; ends all followers when cancelled."""
        keepers = [asyncio.create_task(self._keep()), asyncio.create_task(self._ship())]
        try:
            while True:
                await self._try(self._match_rows())
                await asyncio.sleep(_ROWS_SECONDS)
        finally:
            tasks = [*keepers, *(followed.task for followed in self._following.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._database.shutdown(wait=False)
            self._shipping.shutdown(wait=False)

    async def _match_rows(self) -> None:
        """Follow exactly the engines that are enabled now, each by its present row."""
        wanted = await self._sync(store.rows)
        ended: dict[int, Endpoint | None] = {}
        for pk, followed in list(self._following.items()):
            if wanted.get(pk) != followed.row:
                followed.task.cancel()
                del self._following[pk]
                ended[pk] = followed.endpoint
        for pk in wanted.keys() - self._following.keys():
            target = await self._sync(store.target, pk)
            if target is not None:
                self._following[pk] = self._begin(target, wanted[pk])
        for pk, endpoint in ended.items():
            if endpoint is not None and endpoint.ssh is not None:
                now = self._following[pk].endpoint if pk in self._following else None
                await asyncio.to_thread(ssh.close, endpoint.run_dir, endpoint.key, now)

    def _begin(self, target: Target, row: tuple[str, ...]) -> "_Followed":
        gatherer = Gatherer(target.pk)
        if target.endpoint is None:
            task = asyncio.create_task(self._failed(target.pk, gatherer, target.sentence))
            return _Followed(row, None, task, None)
        follower = Follower(
            target.endpoint,
            gatherer,
            pinned=lambda version: self._spawn(self._sync(store.save_version, target.pk, version)),
            learned=lambda reading: self._spawn(self._learned(target.pk, gatherer, reading)),
            failed=lambda sentence: self._spawn(self._failed(target.pk, gatherer, sentence)),
            since=target.since,
        )
        task = asyncio.create_task(self._follow(target.pk, follower))
        return _Followed(row, target.endpoint, task, follower)

    async def _follow(self, pk: int, follower: Follower) -> None:
        try:
            await follower.follow()
        except Exception:
            # Ours, not the engine's. Begun again with the next look at the rows; the other engines go on.
            log.exception("following engine %s broke", pk)
            await asyncio.sleep(_CONTACT_SECONDS)
            self._following.pop(pk, None)

    async def _learned(self, pk: int, gatherer: Gatherer, reading: Reading) -> None:
        if await self._sync(store.save_reading, pk, reading):
            gatherer.add("state")

    async def _failed(self, pk: int, gatherer: Gatherer, sentence: str) -> None:
        if await self._sync(store.save_failure, pk, sentence):
            gatherer.add("state")

    async def _keep(self) -> None:
        while True:
            cursors = {pk: each.follower.since for pk, each in self._following.items() if each.follower}
            await self._try(self._sync(store.save_contact, cursors))
            await self._try(self._sync(reconcile))
            await asyncio.sleep(_CONTACT_SECONDS)

    async def _ship(self) -> None:
        while True:
            await self._try(asyncio.get_running_loop().run_in_executor(self._shipping, store.ship_audit))
            await asyncio.sleep(_CONTACT_SECONDS)

    def _spawn(self, work: "asyncio.Future[None] | object") -> None:
        task: asyncio.Task[None] = asyncio.create_task(self._try(work))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _try(self, work: "asyncio.Future[None] | object") -> None:
        try:
            await work  # type: ignore[misc]
        except DatabaseError:
            log.exception("the database did not take a change; tried again with the next")
        except Exception:
            # Whatever one turn meets, the next is begun: without heartbeats and reconciling, nothing would tell.
            log.exception("a turn of the watcher broke; the next is begun")

    async def _sync(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, function, *args)
