"""Container specs as JSON."""

import json
from dataclasses import fields

import pytest

from engines.spec.stored import restored, stored
from engines.spec.types import ContainerSpec
from tests.spec.everything import EVERYTHING


def test_every_field_comes_back_as_it_was():
    assert all(getattr(EVERYTHING, each.name) != each.default for each in fields(ContainerSpec))
    assert restored(json.loads(json.dumps(stored(EVERYTHING)))) == EVERYTHING


def test_what_is_as_by_default_takes_no_place():
    assert stored(ContainerSpec(image="app")) == {"image": "app"}
    assert restored({"image": "app"}) == ContainerSpec(image="app")


@pytest.mark.parametrize(
    "members",
    [
        {},
        [],
        None,
        "app",
        {"image": 1},
        {"image": None},
        {"image": "app", "novelty": True},
        {"image": "app", "tty": 1},
        {"image": "app", "pids": True},
        {"image": "app", "pids": "1"},
        {"image": "app", "pids": 1.0},
        {"image": "app", "stop_timeout": "1"},
        {"image": "app", "env": "A=b"},
        {"image": "app", "env": [1]},
        {"image": "app", "env": {"A": "b"}},
        {"image": "app", "labels": [["a"]]},
        {"image": "app", "labels": [["a", "b", "c"]]},
        {"image": "app", "ports": [{}]},
        {"image": "app", "ports": [{"private": 1, "novelty": 2}]},
        {"image": "app", "healthcheck": []},
        {"image": "app", "healthcheck": {"test": [["CMD"]]}},
    ],
    ids=str,
)
def test_anything_else_is_refused(members):
    with pytest.raises(ValueError):
        restored(members)
