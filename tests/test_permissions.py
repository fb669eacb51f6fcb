"""The policy page: roles grow, and every permission is somebody's."""

from itertools import pairwise

from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role


def test_a_stronger_role_holds_everything_a_weaker_one_does():
    for weaker, stronger in pairwise(Role):
        assert ROLE_PERMISSIONS[weaker] < ROLE_PERMISSIONS[stronger]


def test_every_permission_is_held_by_some_role_or_by_administrators_only():
    held = ROLE_PERMISSIONS[Role.MANAGER]
    assert held | CONSOLE_PERMISSIONS == set(Permission)
    assert not held & CONSOLE_PERMISSIONS
