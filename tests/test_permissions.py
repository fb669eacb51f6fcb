"""The policy page: roles grow, and every permission is somebody's."""

from itertools import pairwise

import pytest

from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role

P = Permission
ADMINISTRATOR = None

#: The table of the security plan, section 4.4, row by row: group, operations of the Engine API or the console, who may
#: at least, and what that is called here. What has no row (raw exec, session, grpc, `fromSrc`, `remote`) is nobody's.
TABLE = [
    ("system", "ping, version, info, df, events", Role.VIEWER, [P.ENGINE_VIEW, P.EVENT_VIEW]),
    ("containers", "list, inspect, stats, changes", Role.VIEWER, [P.CONTAINER_VIEW]),
    ("containers", "logs, top", Role.VIEWER, [P.CONTAINER_LOGS, P.CONTAINER_TOP]),
    ("containers", "start, stop, restart, kill", Role.OPERATOR, [P.CONTAINER_START, P.CONTAINER_STOP]),
    ("containers", "start, stop, restart, kill", Role.OPERATOR, [P.CONTAINER_RESTART, P.CONTAINER_KILL]),
    ("containers", "pause, unpause", Role.OPERATOR, [P.CONTAINER_PAUSE, P.CONTAINER_UNPAUSE]),
    ("containers", "wait, rename", Role.OPERATOR, [P.CONTAINER_WAIT, P.CONTAINER_RENAME]),
    ("containers", "create within the limits, delete", Role.OPERATOR, [P.CONTAINER_CREATE, P.CONTAINER_REMOVE]),
    ("containers", "create anything else", Role.MANAGER, [P.CONTAINER_CREATE_UNLIMITED]),
    ("containers", "update", Role.OPERATOR, [P.CONTAINER_UPDATE]),
    ("containers", "attach, exec", Role.OPERATOR, [P.CONTAINER_ATTACH, P.CONTAINER_EXEC]),
    ("containers", "archive, export", Role.OPERATOR, [P.CONTAINER_FILES, P.CONTAINER_EXPORT]),
    ("containers", "the same of a dangerous container", Role.MANAGER, [P.CONTAINER_ENTER_DANGEROUS]),
    ("containers", "prune", Role.MANAGER, [P.CONTAINER_PRUNE]),
    ("images", "list, inspect, history, search", Role.VIEWER, [P.IMAGE_VIEW]),
    ("images", "pull, tag, push", Role.BUILDER, [P.IMAGE_PULL, P.IMAGE_TAG, P.IMAGE_PUSH]),
    ("images", "save, load, delete", Role.BUILDER, [P.IMAGE_SAVE, P.IMAGE_LOAD, P.IMAGE_REMOVE]),
    ("images", "import of a stream", Role.MANAGER, [P.IMAGE_IMPORT]),
    ("images", "prune", Role.MANAGER, [P.IMAGE_PRUNE]),
    ("images", "commit", Role.BUILDER, [P.CONTAINER_COMMIT]),
    ("build", "build", Role.BUILDER, [P.IMAGE_BUILD]),
    ("build", "prune, cancel one's own", Role.BUILDER, [P.BUILD_CACHE_PRUNE]),
    ("build", "the host's network, extra hosts, entitlements", Role.MANAGER, [P.IMAGE_BUILD_UNLIMITED]),
    ("distribution", "use a registry", Role.BUILDER, [P.REGISTRY_USE]),
    ("distribution", "edit a registry, check a login", Role.MANAGER, [P.REGISTRY_EDIT]),
    ("networks", "list, inspect", Role.VIEWER, [P.NETWORK_VIEW]),
    ("networks", "create without options, connect", Role.OPERATOR, [P.NETWORK_CREATE, P.NETWORK_CONNECT]),
    ("networks", "create with options", Role.MANAGER, [P.NETWORK_CREATE_UNLIMITED]),
    ("networks", "delete any, prune", Role.MANAGER, [P.NETWORK_REMOVE, P.NETWORK_PRUNE]),
    ("volumes", "list, inspect", Role.VIEWER, [P.VOLUME_VIEW]),
    ("volumes", "create without options, delete unused", Role.OPERATOR, [P.VOLUME_CREATE, P.VOLUME_REMOVE]),
    ("volumes", "browse", Role.MANAGER, [P.VOLUME_BROWSE]),
    ("volumes", "create with options, prune", Role.MANAGER, [P.VOLUME_CREATE_UNLIMITED, P.VOLUME_PRUNE]),
    ("swarm, plugins", "read", Role.MANAGER, [P.SWARM_VIEW, P.PLUGIN_VIEW]),
    ("swarm, plugins", "change", ADMINISTRATOR, [P.SWARM_CHANGE, P.PLUGIN_CHANGE]),
    ("console", "engines, policy, users, teams, grants", ADMINISTRATOR, [P.CONSOLE_ENGINES, P.CONSOLE_ACCESS]),
    ("console", "the whole audit trail, its export", ADMINISTRATOR, [P.CONSOLE_AUDIT]),
    (
        "console",
        "an engine's limits, access and audit trail",
        Role.MANAGER,
        [P.LIMITS_VIEW, P.ACCESS_VIEW, P.AUDIT_VIEW],
    ),
    ("console", "operations: view", Role.VIEWER, [P.OPERATION_VIEW]),
    ("console", "operations: cancel one's own", Role.OPERATOR, [P.OPERATION_CANCEL_OWN]),
    ("console", "operations: cancel any", Role.MANAGER, [P.OPERATION_CANCEL_ANY]),
    ("console", "recordings", Role.MANAGER, [P.RECORDING_VIEW]),
]
PINNED = [(permission, least) for _, _, least, permissions in TABLE for permission in permissions]


@pytest.mark.parametrize(("permission", "least"), PINNED)
def test_a_permission_begins_at_the_role_of_the_table(permission, least):
    holders = {role for role in Role if permission in ROLE_PERMISSIONS[role]}
    assert holders == (set() if least is ADMINISTRATOR else {role for role in Role if role >= least})
    assert (permission in CONSOLE_PERMISSIONS) is (least is ADMINISTRATOR)


def test_every_permission_has_one_row_of_the_table():
    assert sorted(permission for permission, _ in PINNED) == sorted(Permission)


def test_a_stronger_role_holds_everything_a_weaker_one_does():
    for weaker, stronger in pairwise(Role):
        assert ROLE_PERMISSIONS[weaker] < ROLE_PERMISSIONS[stronger]


def test_every_permission_is_held_by_some_role_or_by_administrators_only():
    held = ROLE_PERMISSIONS[Role.MANAGER]
    assert held | CONSOLE_PERMISSIONS == set(Permission)
    assert not held & CONSOLE_PERMISSIONS
