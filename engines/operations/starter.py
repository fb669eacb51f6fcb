"""What work asks of the console's own rows while it runs: who started it, and on which engine."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.contrib.auth.models import User
from django.db import connections

from engines.models import Engine, Operation
from engines.operations.job import Job, OperationFailed

P = ParamSpec("P")
T = TypeVar("T")


async def starter(job: Job) -> tuple[User, Engine]:
    """Who started `job`, and its engine, as they are now. Raises OperationFailed when one of them is gone."""
    return await in_thread(_starter, job)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, called in a thread whose connections to the database end with it.

    It goes on when the task that waits is cancelled: for reads only.
    """

    def within() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(within)


def _starter(job: Job) -> tuple[User, Engine]:
    operation = Operation.objects.select_related("created_by", "engine").get(pk=job.id)
    if operation.created_by is None or operation.engine is None:
        raise OperationFailed("Who started this, or its engine, was removed from this console.")
    return operation.created_by, operation.engine
