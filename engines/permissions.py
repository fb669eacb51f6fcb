"""The whole policy on one page: what can be permitted, and which role permits it. Imports nothing of ours."""

from enum import IntEnum, StrEnum


class Permission(StrEnum):
    """One act on one engine, or on the console itself (`console.*`)."""

    # Reading.
    ENGINE_VIEW = "engine.view"
    EVENT_VIEW = "event.view"
    CONTAINER_VIEW = "container.view"
    CONTAINER_LOGS = "container.logs"
    CONTAINER_TOP = "container.top"
    IMAGE_VIEW = "image.view"
    NETWORK_VIEW = "network.view"
    VOLUME_VIEW = "volume.view"
    OPERATION_VIEW = "operation.view"
    # Containers.
    CONTAINER_CREATE = "container.create"
    CONTAINER_START = "container.start"
    CONTAINER_STOP = "container.stop"
    CONTAINER_RESTART = "container.restart"
    CONTAINER_KILL = "container.kill"
    CONTAINER_PAUSE = "container.pause"
    CONTAINER_UNPAUSE = "container.unpause"
    CONTAINER_WAIT = "container.wait"
    CONTAINER_RENAME = "container.rename"
    CONTAINER_UPDATE = "container.update"
    CONTAINER_REMOVE = "container.remove"
    CONTAINER_EXEC = "container.exec"
    CONTAINER_ATTACH = "container.attach"
    CONTAINER_FILES = "container.files"
    CONTAINER_EXPORT = "container.export"
    CONTAINER_COMMIT = "container.commit"
    CONTAINER_PRUNE = "container.prune"
    #: Beyond the engine's limits (`engines.spec.limits`).
    CONTAINER_CREATE_UNLIMITED = "container.create-unlimited"
    #: Exec, attach, files, export and commit of one that reaches into its host.
    CONTAINER_ENTER_DANGEROUS = "container.enter-dangerous"
    # Images and builds.
    IMAGE_PULL = "image.pull"
    IMAGE_PUSH = "image.push"
    IMAGE_TAG = "image.tag"
    IMAGE_SAVE = "image.save"
    IMAGE_LOAD = "image.load"
    IMAGE_IMPORT = "image.import"
    IMAGE_REMOVE = "image.remove"
    IMAGE_PRUNE = "image.prune"
    IMAGE_BUILD = "image.build"
    #: The host's network, extra hosts, a cgroup parent, entitlements.
    IMAGE_BUILD_UNLIMITED = "image.build-unlimited"
    BUILD_CACHE_PRUNE = "build-cache.prune"
    REGISTRY_USE = "registry.use"
    REGISTRY_EDIT = "registry.edit"
    # Networks and volumes.
    NETWORK_CREATE = "network.create"
    NETWORK_CONNECT = "network.connect"
    #: Another driver or options.
    NETWORK_CREATE_UNLIMITED = "network.create-unlimited"
    NETWORK_REMOVE = "network.remove"
    NETWORK_PRUNE = "network.prune"
    VOLUME_CREATE = "volume.create"
    #: Another driver or options, which can name a path of the host.
    VOLUME_CREATE_UNLIMITED = "volume.create-unlimited"
    VOLUME_REMOVE = "volume.remove"
    VOLUME_BROWSE = "volume.browse"
    VOLUME_PRUNE = "volume.prune"
    # The engine itself.
    SWARM_VIEW = "swarm.view"
    SWARM_CHANGE = "swarm.change"
    PLUGIN_VIEW = "plugin.view"
    PLUGIN_CHANGE = "plugin.change"
    # The console's own about an engine.
    OPERATION_CANCEL_OWN = "operation.cancel-own"
    OPERATION_CANCEL_ANY = "operation.cancel-any"
    LIMITS_VIEW = "limits.view"
    ACCESS_VIEW = "access.view"
    AUDIT_VIEW = "audit.view"
    RECORDING_VIEW = "recording.view"
    # The console.
    CONSOLE_ENGINES = "console.engines"
    CONSOLE_ACCESS = "console.access"
    CONSOLE_AUDIT = "console.audit"


class Role(IntEnum):
    """Roles per engine, weakest first: a stronger role holds all a weaker one does."""

    VIEWER = 10
    OPERATOR = 20
    BUILDER = 30
    MANAGER = 40


_VIEWER = frozenset(
    {
        Permission.ENGINE_VIEW,
        Permission.EVENT_VIEW,
        Permission.CONTAINER_VIEW,
        Permission.CONTAINER_LOGS,
        Permission.CONTAINER_TOP,
        Permission.IMAGE_VIEW,
        Permission.NETWORK_VIEW,
        Permission.VOLUME_VIEW,
        Permission.OPERATION_VIEW,
    }
)
_OPERATOR = _VIEWER | {
    Permission.CONTAINER_CREATE,
    Permission.CONTAINER_START,
    Permission.CONTAINER_STOP,
    Permission.CONTAINER_RESTART,
    Permission.CONTAINER_KILL,
    Permission.CONTAINER_PAUSE,
    Permission.CONTAINER_UNPAUSE,
    Permission.CONTAINER_WAIT,
    Permission.CONTAINER_RENAME,
    Permission.CONTAINER_UPDATE,
    Permission.CONTAINER_REMOVE,
    Permission.CONTAINER_EXEC,
    Permission.CONTAINER_ATTACH,
    Permission.CONTAINER_FILES,
    Permission.CONTAINER_EXPORT,
    Permission.NETWORK_CREATE,
    Permission.NETWORK_CONNECT,
    Permission.VOLUME_CREATE,
    Permission.VOLUME_REMOVE,
    Permission.OPERATION_CANCEL_OWN,
}
_BUILDER = _OPERATOR | {
    Permission.IMAGE_PULL,
    Permission.IMAGE_PUSH,
    Permission.IMAGE_TAG,
    Permission.IMAGE_SAVE,
    Permission.IMAGE_LOAD,
    Permission.IMAGE_REMOVE,
    Permission.IMAGE_BUILD,
    Permission.BUILD_CACHE_PRUNE,
    Permission.CONTAINER_COMMIT,
    Permission.REGISTRY_USE,
}
_MANAGER = _BUILDER | {
    Permission.CONTAINER_CREATE_UNLIMITED,
    Permission.CONTAINER_ENTER_DANGEROUS,
    Permission.CONTAINER_PRUNE,
    Permission.IMAGE_IMPORT,
    Permission.IMAGE_PRUNE,
    Permission.IMAGE_BUILD_UNLIMITED,
    Permission.REGISTRY_EDIT,
    Permission.NETWORK_CREATE_UNLIMITED,
    Permission.NETWORK_REMOVE,
    Permission.NETWORK_PRUNE,
    Permission.VOLUME_CREATE_UNLIMITED,
    Permission.VOLUME_BROWSE,
    Permission.VOLUME_PRUNE,
    Permission.SWARM_VIEW,
    Permission.PLUGIN_VIEW,
    Permission.OPERATION_CANCEL_ANY,
    Permission.LIMITS_VIEW,
    Permission.ACCESS_VIEW,
    Permission.AUDIT_VIEW,
    Permission.RECORDING_VIEW,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.BUILDER: _BUILDER,
    Role.MANAGER: _MANAGER,
}

#: Held by administrators of the console only; no role on an engine gives them.
CONSOLE_PERMISSIONS = frozenset(
    {
        Permission.CONSOLE_ENGINES,
        Permission.CONSOLE_ACCESS,
        Permission.CONSOLE_AUDIT,
        Permission.SWARM_CHANGE,
        Permission.PLUGIN_CHANGE,
    }
)
