"""The Compose file of a container; read back by a YAML reader where this machine has one."""

import json
import subprocess
from dataclasses import replace
from functools import cache

import pytest

from engines.spec.compose import compose, unsaid
from engines.spec.types import DOCKER_RUN, Healthcheck, Join, Mount
from tests.spec.everything import EVERYTHING

PLAIN = replace(DOCKER_RUN, image="team/app:1", name="web")
_READ = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)"


@cache
def python_with_yaml() -> str:
    """An interpreter that has PyYAML, which this console does not need; empty when there is none."""
    for python in ("python3", "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", "import yaml"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return ""


def read(file: str) -> dict:
    if not python_with_yaml():
        pytest.skip("no Python here has PyYAML")
    argv = [python_with_yaml(), "-c", _READ]
    return json.loads(subprocess.run(argv, input=file.encode(), capture_output=True, check=True).stdout)


def service(**asked) -> str:
    """The lines of the service, without those of PLAIN."""
    lines = compose(replace(PLAIN, **asked)).split("\n")
    return "\n".join(line.removeprefix("    ") for line in lines if line not in compose(PLAIN).split("\n"))


def test_nothing_is_said_of_what_engines_give_unasked():
    assert compose(PLAIN) == (
        'services:\n  web:\n    image: "team/app:1"\n    container_name: web\n    network_mode: bridge\n'
    )


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ({"restart": "on-failure", "restart_retries": 3}, 'restart: "on-failure:3"'),
        ({"stop_timeout": 0}, 'stop_grace_period: "0s"'),
        ({"memory_swappiness": 0}, 'mem_swappiness: "0"'),
        ({"env": ("A=$B ${C}",)}, 'environment:\n  - "A=$$B $${C}"'),
        ({"labels": (("yes", "1"), ("a.b", "no"))}, 'labels:\n  "yes": "1"\n  a.b: "no"'),
        ({"healthcheck": Healthcheck(("NONE",))}, "healthcheck:\n  disable: true"),
        ({"new_privileges": False}, 'security_opt:\n  - "no-new-privileges:true"'),
        ({"working_dir": "/\x1b\u202e"}, 'working_dir: "/\\u001b\\u202e"'),
    ],
    ids=str,
)
def test_it_is_said_by_the_keys_of_compose(asked, lines):
    assert service(**asked) == lines


def test_everything_is_read_back_by_a_yaml_reader():
    file = read(compose(EVERYTHING))
    asked = file["services"]["web-1"]
    assert asked["command"] == [word.replace("$", "$$") for word in EVERYTHING.command]
    assert asked["environment"] == list(EVERYTHING.env)
    assert asked["labels"] == dict(EVERYTHING.labels)
    assert asked["networks"]["shop"]["ipv4_address"] == "10.77.0.9" and asked["networks"]["back"] == {}
    assert [mount["target"] for mount in asked["volumes"]] == ["/data", "/more", "/z", "/own", "/var/lib/data"]
    assert file["networks"] == {"shop": {"external": True}, "back": {"external": True}}
    assert file["volumes"]["data"]["driver_opts"] == {"device": "tmpfs", "type": "tmpfs"}


def test_no_value_can_become_yaml():
    odd = ("", "a\nb: c", "\x00", "\x85\u2028\ufeff", "😀", "'", '"', "\\", "- ", "%", "\t", " a ", "~", "a: b", "#")
    words = (*odd, "no", "1", "null", "0x1f", "1e3", "2026-01-01", "=", "<<", "*a", "&a", "!a", "|", ">", "{", "[")
    labels = tuple((f"k{word}", word) for word in words)
    asked = read(compose(replace(PLAIN, env=words, labels=labels, command=words)))["services"]["web"]
    assert (asked["environment"], asked["labels"], asked["command"]) == (list(words), dict(labels), list(words))


def test_what_has_a_name_is_there_already_and_what_has_none_is_its_own():
    spec = replace(PLAIN, mounts=(Mount("volume", "", "/a"), Mount("volume", "data", "/b")), network="shop")
    file = read(compose(spec))
    assert file["volumes"] == {"data": {"external": True}} and file["networks"] == {"shop": {"external": True}}
    assert file["services"]["web"]["networks"] == ["shop"]
    assert file["services"]["web"]["volumes"][0] == {"type": "volume", "target": "/a"}


def test_the_service_has_a_name_that_compose_takes():
    assert "  app:\n" in compose(replace(PLAIN, name="")) and "  a-b:\n" in compose(PLAIN, "a b")
    assert "  app:\n" in compose(replace(PLAIN, name="", image="///"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"auto_remove": True}, "removed"),
        ({"publish_all": True}, "All ports"),
        ({"volume_driver": "nfs"}, "nfs"),
        ({"cpuset_mems": "0"}, "memory nodes 0"),
        ({"joins": (Join("shop"),)}, "docker network connect"),
        ({"mounts": (Mount("bind", "/a", "/b", options=("ReadOnlyNovelty",)),)}, "ReadOnlyNovelty"),
        ({"other": ("Novelty",)}, "Novelty"),
    ],
    ids=str,
)
def test_what_compose_has_no_key_for_is_told(asked, told):
    (only,) = unsaid(replace(PLAIN, **asked))
    assert told in only and not unsaid(PLAIN)
