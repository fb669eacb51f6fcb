"""Inspects of engines that are old, odd or hostile."""

import json
import random
from typing import Any

import pytest

from engines.models import EngineLimits
from engines.spec.body import body, later_joins, query
from engines.spec.compose import compose
from engines.spec.defaults import subtracted
from engines.spec.docker_run import text
from engines.spec.facts import Facts
from engines.spec.inspected import differences, from_inspect
from engines.spec.limits import dangerous, refusals
from engines.spec.recreated import kept, later, recreated
from engines.spec.stored import restored, stored
from engines.spec.types import ContainerSpec, Join, Mount, Port
from tests.spec.everything import EVERYTHING

WHOLE = {
    "Id": "0123456789ab" + "0" * 52,
    "Name": "/web",
    "Config": {"MacAddress": "02:42:ac:11:00:02", "Volumes": {"/own": {}}, "ExposedPorts": {"80/tcp": {}, "81/tcp": {}}}
    | {key: value for key, value in body(EVERYTHING, "1.45").items() if key != "HostConfig"},
    "HostConfig": body(EVERYTHING, "1.45")["HostConfig"] | {"Novelty": {"on": True}},
    "NetworkSettings": {
        "Networks": {
            "shop": {
                "IPAMConfig": {"IPv4Address": "10.0.0.9", "LinkLocalIPs": ["169.254.1.2"]},
                "Aliases": ["web", "0123456789ab"],
                "DriverOpts": {"a": "b"},
                "Links": ["db:data"],
                "NetworkID": "f" * 64,
            }
        }
    },
    "Mounts": [{"Type": "bind", "Source": "/x", "Destination": "/y"}, {"Type": "volume", "Name": "a" * 64}],
}


def forms(inspect: Any) -> None:
    """All that is made of an inspect."""
    spec = from_inspect(inspect)
    plain = subtracted(spec, inspect)
    for each in (spec, plain):
        json.dumps([body(each, "1.41"), body(each, "1.45"), later_joins(each, "1.41"), query(each)])
        json.dumps([recreated(each, inspect, "1.41"), recreated(each, inspect, "1.45"), later(each, inspect, "1.41")])
        assert text(each).replace(" \\\n", "").isprintable()
        assert compose(each).replace("\n", "").isprintable()
        assert restored(json.loads(json.dumps(stored(each)))) == each
    kept(inspect)
    differences(spec, plain)
    refusals(spec, EngineLimits(), Facts())
    dangerous(spec, EngineLimits(), Facts())


def twisted(value: Any, chance: random.Random) -> Any:
    """`value` with some of its members replaced by what does not belong there."""
    if chance.random() < 0.1:
        odd = [None, True, False, -1, 1 << 70, 1.5, "", "\x1b]0;\u202e", "a" * 300, "1-2-3", ":", "=", ",", [], {}]
        return chance.choice([*odd, [None, 1, "x", {}, []], {"": 1, "a:b": {}, "٣/tcp": [{"HostPort": "²"}]}])
    if isinstance(value, dict):
        return {key: twisted(each, chance) for key, each in value.items()}
    return [twisted(each, chance) for each in value] if isinstance(value, list) else value


def test_the_whole_of_an_inspect_has_all_forms():
    forms(WHOLE)


@pytest.mark.parametrize("inspect", [{}, {"Config": None, "HostConfig": None}, {"HostConfig": []}, {"Config": "x"}])
def test_an_inspect_that_says_nothing_has_all_forms(inspect):
    forms(inspect)


def test_no_wrong_type_raises():
    chance = random.Random(11)
    for _ in range(200):
        inspect = twisted(WHOLE, chance)
        forms(inspect if isinstance(inspect, dict) else {})


def test_what_is_not_understood_is_told_and_never_dropped():
    assert from_inspect(WHOLE).other == ("Novelty",)
    assert from_inspect({"HostConfig": {"Novelty": 0, "Other": [], "Third": [0, 0], "Fourth": "default"}}).other == ()


def test_a_network_that_is_named_by_its_id_is_the_same_one():
    networks = {"shop": {"NetworkID": "f" * 64, "Aliases": ["web"]}}
    spec = from_inspect({"HostConfig": {"NetworkMode": "f" * 64}, "NetworkSettings": {"Networks": networks}})
    assert (spec.network, spec.joins) == ("f" * 64, (Join("f" * 64, ("web",)),))


def test_what_engines_add_to_an_endpoint_is_not_what_was_asked_for():
    endpoint = {
        "Aliases": ["0123456789ab"],
        "MacAddress": "02:42:ac:11:00:02",
        "IPAddress": "172.17.0.2",
        "IPAMConfig": {},
    }
    inspect = {
        "Id": "0123456789ab" + "0" * 52,
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {"bridge": endpoint, "back": endpoint}},
    }
    assert from_inspect(inspect).joins == (Join("back"),)
    assert from_inspect(inspect | {"Config": {"MacAddress": "02:00:00:00:00:01"}}).joins == (
        Join("back"),
        Join("bridge", mac_address="02:00:00:00:00:01"),
    )


def test_mounts_are_found_in_all_places_where_engines_keep_them():
    host = {
        "Binds": ["data:/data/:ro,nocopy", "/a:/b:rw,rslave,Z", "/c:/d:cached,rprivate"],
        "Mounts": [{"Type": "bind", "Source": "/e", "Target": "/f", "BindOptions": {"CreateMountpoint": True}}],
        "Tmpfs": {"/run": "rw,noexec,nosuid,nodev,size=64M,mode=1777,gid=5"},
    }
    there = [
        {"Type": "bind", "Source": "/new", "Destination": "/data"},
        {"Type": "volume", "Name": "x", "Destination": "/x"},
    ]
    found = from_inspect({"HostConfig": host, "Config": {"Volumes": {"/own/": {}, "/b": {}}}, "Mounts": there}).mounts
    assert found == (
        Mount("bind", "/a", "/b", options=("Z",), propagation="rslave"),
        Mount("bind", "/c", "/d"),
        Mount("bind", "/e", "/f", options=("CreateMountpoint",)),
        Mount("bind", "/new", "/data"),
        Mount("tmpfs", "", "/run", options=("gid=5",), size_bytes=64 << 20, mode=0o1777),
        Mount("volume", "", "/own"),
        Mount("volume", "data", "/data", True, no_copy=True),
        Mount("volume", "x", "/x"),
    )


def test_mounts_of_another_container_are_not_its_own():
    there = [{"Type": "bind", "Source": "/x", "Destination": "/y"}]
    assert from_inspect({"HostConfig": {"VolumesFrom": ["db"]}, "Mounts": there}).mounts == ()


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({"mounts": (Mount("bind", "/a", "/b"),)}, {"mounts": (Mount("bind", "/a", "/b", propagation="rshared"),)}),
        ({"mounts": (Mount("volume", "a", "/b", subpath="c"),)}, {"mounts": (Mount("volume", "a", "/b"),)}),
        ({}, {"publish_all": True}),
        ({}, {"annotations": (("a", "b"),)}),
        ({}, {"device_cgroup_rules": ("a",)}),
        ({"ports": (Port(80, 80),)}, {"ports": (Port(80, 80, address=""),)}),
        ({}, {"links": ("db:data",)}),
    ],
    ids=str,
)
def test_what_gives_more_than_was_asked_for_is_a_difference(asked, made):
    assert differences(ContainerSpec("app", **asked), ContainerSpec("app", **made)) == tuple({*asked, *made})


def test_what_an_image_or_an_engine_adds_is_no_difference():
    made = ContainerSpec("app", mounts=(Mount("volume", "", "/own"),), env=("A=b",), runtime="runc", links=("db:data",))
    assert differences(ContainerSpec("app", links=("0123456789ab:data",)), made) == ()
