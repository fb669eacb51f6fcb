"""The table of kinds: every path leads to a function, every kind takes a permission that some role gives."""

import inspect

import pytest
from django.utils.module_loading import import_string

from engines.operations.kinds import KINDS
from engines.permissions import ROLE_PERMISSIONS, Permission, Role


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_a_function_that_waits_and_a_permission(name):
    kind = KINDS[name]
    assert inspect.iscoroutinefunction(import_string(kind.function))
    assert isinstance(kind.permission, Permission)
    assert kind.permission in ROLE_PERMISSIONS[Role.MANAGER]
