"""The docker run of a container, as words and as text for a shell."""

import subprocess
from dataclasses import fields, replace

import pytest

from engines.spec import docker_run
from engines.spec.docker_run import argv, quoted, text, unsaid
from engines.spec.types import DOCKER_RUN, ContainerSpec, DeviceRequest, Healthcheck, Join, Mount, Port
from tests.spec.everything import EVERYTHING

PLAIN = replace(DOCKER_RUN, image="app")


def test_nothing_is_said_of_what_docker_run_gives_unasked():
    assert argv(PLAIN) == ["docker", "run", "-d", "app"]
    assert argv(PLAIN, start=False) == ["docker", "create", "app"]


def test_every_field_is_written_or_told():
    written = {name for names, _ in docker_run._WRITERS for name in names.split()}
    assert written | {"image", "command", "other"} == {each.name for each in fields(ContainerSpec)}
    assert unsaid(EVERYTHING) == ("Novelty, which this console does not know.",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ports": (Port(80, 8080), Port(53, 0, "udp", ""))}, ["-p", "127.0.0.1:8080:80", "-p", "53/udp"]),
        ({"ports": (Port(80, 0, address="::1"),)}, ["-p", "[::1]::80"]),
        ({"mounts": (Mount("volume", "data", "/data", True),)}, ["-v", "data:/data:ro"]),
        ({"mounts": (Mount("volume", "", "/data"),)}, ["-v", "/data"]),
        ({"mounts": (Mount("bind", "/a", "/b"),)}, ["--mount", "type=bind,source=/a,target=/b"]),
        ({"mounts": (Mount("bind", "/a:b", "/b"),)}, ["--mount", "type=bind,source=/a:b,target=/b"]),
        ({"mounts": (Mount("bind", '/a,"b', "/b"),)}, ["--mount", 'type=bind,"source=/a,""b",target=/b']),
        ({"network": "shop"}, ["--network", "shop"]),
        ({"joins": (Join("bridge", mac_address="02:00:00:00:00:01"),)}, ["--mac-address", "02:00:00:00:00:01"]),
        ({"nano_cpus": 2_000_000_000}, ["--cpus", "2"]),
        ({"nano_cpus": 10_000_000}, ["--cpus", "0.01"]),
        ({"tty": True, "interactive": True}, ["-it"]),
        ({"entrypoint": ("",)}, ["--entrypoint", ""]),
    ],
    ids=str,
)
def test_it_is_said_in_the_words_people_know(asked, said):
    assert argv(replace(PLAIN, **asked)) == ["docker", "run", "-d", *said, "app"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"healthcheck": Healthcheck(("CMD", "true"))}, "without a shell"),
        ({"joins": (Join("shop"),)}, "docker network connect"),
        ({"mounts": (Mount("bind", "/a", "/b", options=("CreateMountpoint",)),)}, "CreateMountpoint"),
        ({"mounts": (Mount("bind", "/a:a", "/b", options=("z",)),)}, "option z"),
        ({"security_opt": ('seccomp={"defaultAction":"x"}',)}, "seccomp"),
        ({"device_requests": (DeviceRequest("x", 1),)}, "neither"),
        ({"other": ("Novelty",)}, "Novelty"),
    ],
    ids=str,
)
def test_what_docker_run_cannot_say_is_told(asked, told):
    (only,) = unsaid(replace(PLAIN, **asked))
    assert told in only


@pytest.mark.parametrize(
    "word",
    ["", "plain", "two words", "it's", '"$HOME"', "`id`", "a\nb", "\x1b[31m", "\u202etxt", "😀", "\\", "\x85\\'"],
)
def test_a_shell_reads_the_word_back_and_a_terminal_sees_only_what_is_printable(word):
    shown = quoted(word)
    assert shown.isprintable()
    read = subprocess.run(
        ["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert read.stdout.decode() == word


def test_one_option_a_line():
    spec = replace(PLAIN, name="web", env=("A=b c",))
    assert text(spec) == "docker run -d \\\n  --name web \\\n  -e 'A=b c' \\\n  app"
    assert text(spec, multiline=False) == "docker run -d --name web -e 'A=b c' app"
