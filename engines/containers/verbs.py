"""The verbs of lists and pages: what each does, what it takes, and what is said of it."""

from collections.abc import Callable, Mapping
from functools import partial

from django.contrib.auth.models import User

from engines.client.errors import EngineError, EngineReplied
from engines.client.ids import IdInvalid
from engines.containers import actions
from engines.models import Engine
from engines.permissions import Permission

Action = Callable[..., None]

#: Verb -> what it does, what it takes, and what is said when it is done.
VERBS: dict[str, tuple[Action, Permission, str]] = {
    "start": (actions.start, Permission.CONTAINER_START, "started"),
    "stop": (actions.stop, Permission.CONTAINER_STOP, "stopped"),
    "restart": (actions.restart, Permission.CONTAINER_RESTART, "restarted"),
    "kill": (actions.kill, Permission.CONTAINER_KILL, "killed"),
    "pause": (actions.pause, Permission.CONTAINER_PAUSE, "paused"),
    "unpause": (actions.unpause, Permission.CONTAINER_UNPAUSE, "goes on"),
    "remove": (actions.remove, Permission.CONTAINER_REMOVE, "removed"),
}


def removal(ticks: Mapping[str, object]) -> Action:
    """A removal as ticked: `force` kills first what runs, `volumes` takes its anonymous volumes as well."""
    return partial(actions.remove, force="force" in ticks, volumes="volumes" in ticks)


def failure(action: Action, engine: Engine, container: str, *, by: User) -> str:
    """Do it; why it was not done, or empty."""
    try:
        action(engine, container, by=by)
    except IdInvalid as error:
        return str(error)
    except EngineReplied as refusal:
        return refusal.reason
    except EngineError as error:
        return f"{error} {error.advice}"
    return ""
