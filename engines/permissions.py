"""The whole policy on one page: what can be permitted, and which role permits it. Imports nothing of ours."""

from enum import IntEnum, StrEnum


class Permission(StrEnum):
    """One act on one engine, or on the console itself (`console.*`)."""

    ENGINE_VIEW = "engine.view"
    CONTAINER_VIEW = "container.view"
    IMAGE_VIEW = "image.view"
    EVENT_VIEW = "event.view"
    OPERATION_VIEW = "operation.view"
    CONTAINER_START = "container.start"
    CONTAINER_STOP = "container.stop"
    CONTAINER_RESTART = "container.restart"
    CONTAINER_KILL = "container.kill"
    CONTAINER_PAUSE = "container.pause"
    CONTAINER_UNPAUSE = "container.unpause"
    CONTAINER_CREATE = "container.create"
    CONTAINER_REMOVE = "container.remove"
    IMAGE_PULL = "image.pull"
    IMAGE_BUILD = "image.build"
    OPERATION_CANCEL_OWN = "operation.cancel-own"
    OPERATION_CANCEL_ANY = "operation.cancel-any"
    CONTAINER_CREATE_UNLIMITED = "container.create-unlimited"
    CONSOLE_ENGINES = "console.engines"
    CONSOLE_ACCESS = "console.access"


class Role(IntEnum):
    """Roles per engine, weakest first: a stronger role holds all a weaker one does."""

    VIEWER = 10
    OPERATOR = 20
    BUILDER = 30
    MANAGER = 40


_VIEWER = frozenset(
    {
        Permission.ENGINE_VIEW,
        Permission.CONTAINER_VIEW,
        Permission.IMAGE_VIEW,
        Permission.EVENT_VIEW,
        Permission.OPERATION_VIEW,
    }
)
_OPERATOR = _VIEWER | {
    Permission.CONTAINER_START,
    Permission.CONTAINER_STOP,
    Permission.CONTAINER_RESTART,
    Permission.CONTAINER_KILL,
    Permission.CONTAINER_PAUSE,
    Permission.CONTAINER_UNPAUSE,
    Permission.CONTAINER_CREATE,
    Permission.CONTAINER_REMOVE,
    Permission.OPERATION_CANCEL_OWN,
}
_BUILDER = _OPERATOR | {Permission.IMAGE_PULL, Permission.IMAGE_BUILD}
_MANAGER = _BUILDER | {Permission.OPERATION_CANCEL_ANY, Permission.CONTAINER_CREATE_UNLIMITED}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.BUILDER: _BUILDER,
    Role.MANAGER: _MANAGER,
}

#: Held by administrators of the console only; no role on an engine gives them.
CONSOLE_PERMISSIONS = frozenset({Permission.CONSOLE_ENGINES, Permission.CONSOLE_ACCESS})
