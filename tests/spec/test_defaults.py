"""What nobody asked for is taken out of a container, without any engine."""

from dataclasses import replace

import pytest

from engines.spec.defaults import subtracted
from engines.spec.types import DOCKER_RUN, Healthcheck, Mount

PLAIN = replace(DOCKER_RUN, image="app")
IMAGE = {
    "Config": {
        "Env": ["PATH=/bin", "MODE=live"],
        "Cmd": ["serve"],
        "Entrypoint": ["/entry"],
        "Labels": {"maker": "them"},
        "WorkingDir": "/srv",
        "User": "app",
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "Healthcheck": {"Test": ["CMD", "check"], "Interval": 5, "Retries": 2},
        "StopSignal": "SIGQUIT",
    }
}
GIVEN = replace(
    PLAIN,
    env=("PATH=/bin", "MODE=live"),
    command=("serve",),
    entrypoint=("/entry",),
    labels=(("maker", "them"),),
    working_dir="/srv",
    user="app",
    expose=("80/tcp",),
    mounts=(Mount("volume", "", "/data"),),
    healthcheck=Healthcheck(("CMD", "check"), interval=5, retries=2),
    stop_signal="SIGQUIT",
)


def test_what_the_image_gives_is_taken_out():
    assert subtracted(GIVEN, IMAGE) == PLAIN


def test_without_the_image_it_stays():
    assert subtracted(GIVEN) == subtracted(GIVEN, {}) == GIVEN


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ({"env": ("PATH=/sbin", "MODE=live", "MORE=1")}, {"env": ("PATH=/sbin", "MORE=1")}),
        ({"labels": (("maker", "me"), ("tier", "web"))}, {"labels": (("maker", "me"), ("tier", "web"))}),
        ({"command": ("other",)}, {"command": ("other",)}),
        ({"entrypoint": ("sh",)}, {"entrypoint": ("sh",), "command": ("serve",)}),
        ({"entrypoint": ("sh",), "command": ()}, {"entrypoint": ("sh",)}),
        ({"entrypoint": (), "command": ("sh",)}, {"entrypoint": ("",), "command": ("sh",)}),
        ({"user": "root", "working_dir": "/"}, {"user": "root", "working_dir": "/"}),
        ({"mounts": (Mount("volume", "kept", "/data"),)}, {"mounts": (Mount("volume", "kept", "/data"),)}),
        ({"healthcheck": Healthcheck(("NONE",))}, {"healthcheck": Healthcheck(("NONE",))}),
        (
            {"healthcheck": Healthcheck(("CMD", "check"), interval=7, retries=2)},
            {"healthcheck": Healthcheck(interval=7)},
        ),
    ],
    ids=str,
)
def test_what_is_not_the_images_stays(own, left):
    assert subtracted(replace(GIVEN, **own), IMAGE) == replace(PLAIN, **left)


@pytest.mark.parametrize(
    ("filled", "left"),
    [
        ({"hostname": "0123456789ab"}, {}),
        ({"hostname": "web"}, {"hostname": "web"}),
        ({"hostname": "web", "domainname": "x", "network": "container:a"}, {"network": "container:a"}),
        ({"hostname": "web", "uts": "host"}, {"uts": "host"}),
        ({"shm_bytes": 64 << 20}, {}),
        ({"shm_bytes": 65 << 20}, {"shm_bytes": 65 << 20}),
        ({"memory_bytes": 5, "memory_swap_bytes": 10}, {"memory_bytes": 5}),
        ({"memory_bytes": 5, "memory_swap_bytes": 5}, {"memory_bytes": 5, "memory_swap_bytes": 5}),
        ({"memory_bytes": 5, "memory_swap_bytes": -1}, {"memory_bytes": 5, "memory_swap_bytes": -1}),
        ({"runtime": "runc"}, {}),
        ({"runtime": "crun"}, {"runtime": "crun"}),
        ({"restart": "always", "restart_retries": 3}, {"restart": "always"}),
    ],
    ids=str,
)
def test_what_engines_fill_in_is_taken_out(filled, left):
    assert subtracted(replace(PLAIN, **filled)) == replace(PLAIN, **left)


def test_the_engines_own_runtime_is_told_by_its_name():
    assert subtracted(replace(PLAIN, runtime="crun"), None, "crun") == PLAIN
    assert subtracted(replace(PLAIN, runtime="runc"), None, "crun") == replace(PLAIN, runtime="runc")
