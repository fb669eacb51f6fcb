"""Operations whose work is scripted, for what does not need an engine's answer."""

import threading
import time
from collections.abc import Callable

import pytest

from engines.models import Operation
from engines.operations import kinds, run, tasks
from engines.permissions import Permission


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the operations for which a message was sent; nothing runs by itself."""
    messages: list[str] = []
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda args, **_: messages.append(args[0]))
    return messages


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `image.pull` run the given coroutine function instead."""

    def script(function) -> None:
        kind = kinds.Kind("Scripted", Permission.IMAGE_PULL, f"{__name__}.script")
        monkeypatch.setitem(kinds.KINDS, "image.pull", kind)
        monkeypatch.setattr(run, "import_string", lambda _: function)

    return script


@pytest.fixture
def running() -> Callable[[Operation], threading.Thread]:
    """Runs an operation in a thread, as a worker does, and waits until it is RUNNING."""

    def start(operation: Operation) -> threading.Thread:
        thread = threading.Thread(target=run.execute, args=(operation.pk,))
        thread.start()
        wait_for(lambda: Operation.objects.get(pk=operation.pk).status != "QUEUED")
        return thread

    return start


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Until `condition` holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        time.sleep(0.01)
