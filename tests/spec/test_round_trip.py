"""Container to spec to request to container, and by way of docker run, on a real engine and with the real docker."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from engines.client.connect import Client, call, connect
from engines.client.endpoint import Endpoint
from engines.client.errors import EngineReplied
from engines.spec.body import body, later_joins, query
from engines.spec.defaults import subtracted
from engines.spec.docker_run import argv, text, unsaid
from engines.spec.inspected import differences, from_inspect
from engines.spec.parse import parse
from engines.spec.recreated import later, recreated
from engines.spec.types import (
    DOCKER_RUN,
    ContainerSpec,
    Device,
    DeviceRequest,
    Healthcheck,
    Join,
    Mount,
    Port,
    Rate,
    Ulimit,
)
from tests.rig.hosts import Host

PLAIN = replace(DOCKER_RUN, image="busybox:local", name="round", command=("sleep", "1"))
GIB = 1 << 30
#: What is asked for beside PLAIN. Each comes back from the engine as it was asked for.
ASKED: list[dict[str, Any]] = [
    {},
    {"command": (), "entrypoint": ("/bin/sh",)},
    {"command": ("-c", "echo \"$A\" 'b' $(id)\n\x1b"), "entrypoint": ("/bin/sh",)},
    {"env": ("B=1", "A=x y", "EMPTY=", "QUOTE='\"$\\", "LINES=a\nb"), "labels": (("a.b", ""), ("tier", "web=1, 2"))},
    {"working_dir": "/tmp", "user": "1:2", "group_add": ("audio", "7"), "hostname": "web", "domainname": "example.net"},
    {"tty": True, "interactive": True, "init": True, "stop_signal": "SIGQUIT", "stop_timeout": 0, "read_only": True},
    {"healthcheck": Healthcheck(("CMD-SHELL", "true; 'x'"), 5_000_000_000, 1_500_000_000, 2_000_000_000, 0, 3)},
    {"healthcheck": Healthcheck(("NONE",))},
    {"ports": (Port(53, 0, "udp", ""), Port(80, 8080), Port(80, 8081, address="::1"), Port(81, 9000, public_end=9005))},
    {"expose": ("8000/tcp", "8001/udp"), "publish_all": True, "restart": "unless-stopped"},
    {"network": "none", "auto_remove": True, "shm_bytes": 1 << 20},
    # Of one without, the engine gives the host's name, which nothing tells from one asked for.
    {"network": "host", "hostname": "web"},
    {"network": "round-a", "joins": (Join("round-a", ("app", "web"), "10.83.0.9"),)},
    {"joins": (Join("bridge", mac_address="02:42:0a:53:00:09"),)},
    {"network": "round-a", "joins": (Join("round-a", ("app",)), Join("round-b", ("db",), "10.84.0.9"))},
    {"joins": (Join("round-b", ("db",)),)},
    {
        "network": "round-a",
        "dns": ("192.0.2.53",),
        "dns_options": ("ndots:2",),
        "dns_search": ("example.net",),
        "extra_hosts": ("db:192.0.2.9", "v6:2001:db8::1", "gate:host-gateway"),
    },
    {"links": ("round-other:data",), "restart": "on-failure", "restart_retries": 3},
    {"mounts": (Mount("volume", "", "/own"), Mount("volume", "round-data", "/data", True))},
    {"mounts": (Mount("bind", "/tmp", "/host", True, propagation="rslave"), Mount("bind", "/var", "/a:b,c"))},
    {"mounts": (Mount("bind", "/tmp", "/z", True, ("z",)), Mount("bind", "/var", "/plain", options=("NonRecursive",)))},
    {"mounts": (Mount("tmpfs", "", "/a", size_bytes=1 << 20, mode=0o700), Mount("tmpfs", "", "/b", True))},
    {"mounts": (Mount("tmpfs", "", "/c", options=("exec", "uid=5"), size_bytes=1234567),)},
    {
        "mounts": (
            Mount(
                "volume",
                "round-made",
                "/made",
                no_copy=True,
                driver="local",
                driver_options=(("device", "tmpfs"), ("o", "size=1m,uid=5"), ("type", "tmpfs")),
                labels=(("a", "b,c"),),
            ),
        )
    },
    {"volumes_from": ("round-other:ro",), "volume_driver": "local"},
    {"memory_bytes": GIB, "memory_reservation_bytes": GIB >> 1, "memory_swap_bytes": GIB, "memory_swappiness": 0},
    {"memory_bytes": GIB},
    {
        "memory_bytes": GIB,
        "memory_swap_bytes": -1,
        "oom_kill_disable": True,
        "cpu_period": 100_000,
        "cpu_quota": 50_000,
    },
    {"nano_cpus": 500_000_000, "cpu_shares": 512, "cpuset_cpus": "0", "cpuset_mems": "0", "pids": 9},
    {"ulimits": (Ulimit("core", 0, 0), Ulimit("memlock", -1, -1), Ulimit("nofile", 10, 20))},
    {
        "device_read_bps": (Rate("/dev/null", 1 << 20),),
        "device_read_iops": (Rate("/dev/null", 5),),
        "device_write_bps": (Rate("/dev/null", 1234567),),
        "device_write_iops": (Rate("/dev/null", 5),),
    },
    {"log_driver": "local", "log_options": (("max-file", "3"), ("max-size", "3m"))},
    {"log_options": (("max-size", "3m"), ("tag", "{{.Name}}")), "userns": "host"},
    {"log_driver": "none", "privileged": True, "pid": "host", "ipc": "host", "uts": "host"},
    {"new_privileges": False, "cap_add": ("NET_ADMIN",), "cap_drop": ("ALL",)},
    {"security_opt": ("apparmor=unconfined", "seccomp=unconfined"), "unmasked": True},
    {"devices": (Device("/dev/null", "/dev/null"), Device("/dev/zero", "/dev/zz", "r"))},
    {"device_cgroup_rules": ("c 42:* rmw",), "device_requests": (DeviceRequest("", -1, (), (("gpu",),)),)},
    {"device_requests": (DeviceRequest("nvidia", 0, ("0", "1"), (("utility", "gpu"),), (("a", "b"),)),)},
    {"sysctls": (("net.core.somaxconn", "9"),), "cgroup_parent": "/round", "oom_score_adj": -5},
]


@pytest.fixture(scope="module")
def client(unix_host: Host) -> Client:
    return connect(unix_host.endpoint)


@pytest.fixture(scope="module", autouse=True)
def things(client: Client) -> Iterator[None]:
    """Two networks with fixed addresses, and a container that others name."""
    for name, subnet in (("round-a", "10.83.0.0/24"), ("round-b", "10.84.0.0/24")):
        asked = {"Name": name, "Driver": "bridge", "IPAM": {"Config": [{"Subnet": subnet}]}}
        call(client, "POST", "/networks/create", body=asked)
    other = {"Image": "busybox:local", "Volumes": {"/theirs": {}}, "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    call(client, "POST", "/containers/create", params={"name": "round-other"}, body=other)
    # A link needs one that runs, or it has no address.
    call(client, "POST", "/containers/round-other/start")
    yield
    call(client, "DELETE", "/containers/round-other", params={"force": "1", "v": "1"})
    for path in ("/networks/round-a", "/networks/round-b", "/volumes/round-data", "/volumes/round-made"):
        with suppress(EngineReplied):
            call(client, "DELETE", path)


Created = Callable[..., dict[str, Any]]


@pytest.fixture
def created(client: Client) -> Iterator[Created]:
    """Makes a container of a body, joins its further networks, and gives its inspect; it is removed afterwards."""
    made: list[str] = []

    def make(spec: ContainerSpec, asked: dict[str, Any], joins: dict[str, dict[str, Any]]) -> dict[str, Any]:
        for each in made:
            call(client, "DELETE", f"/containers/{each}", params={"force": "1", "v": "1"})
        made[:] = [call(client, "POST", "/containers/create", params=query(spec), body=asked)["Id"]]
        for network, settings in joins.items():
            connected = {"Container": made[0], "EndpointConfig": settings}
            call(client, "POST", f"/networks/{network}/connect", body=connected)
        return call(client, "GET", f"/containers/{made[0]}/json")

    yield make
    for each in made:
        with suppress(EngineReplied):
            call(client, "DELETE", f"/containers/{each}", params={"force": "1", "v": "1"})


def plain(inspect: dict[str, Any]) -> dict[str, Any]:
    """What was asked for of a container: without what is made anew for each."""
    networks = inspect["NetworkSettings"]["Networks"]
    config = {name: value for name, value in inspect["Config"].items() if name != "Hostname"}
    short_id = inspect["Id"][:12]
    return {
        "Config": config | {"Hostname": inspect["Config"]["Hostname"].replace(short_id, "")},
        "HostConfig": inspect["HostConfig"],
        "Mounts": sorted((each["Type"], each["Destination"], each["RW"]) for each in inspect["Mounts"]),
        "Networks": {
            name: (settings["IPAMConfig"], [alias for alias in settings["Aliases"] or () if alias != short_id])
            for name, settings in networks.items()
        },
    }


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_container_is_what_was_asked_for_and_is_read_back(created: Created, unix_engine: Endpoint, asked):
    spec, version = replace(PLAIN, **asked), unix_engine.api_version
    inspect = created(spec, body(spec, version), later_joins(spec, version))
    made = from_inspect(inspect)
    assert differences(spec, made) == ()
    assert subtracted(made) == spec
    # And the same again, with the engine's own writing of what did not change.
    again = created(spec, recreated(subtracted(made), inspect, version), later(spec, inspect, version))
    assert plain(again) == plain(inspect)


@pytest.fixture(scope="module")
def image(client: Client, things: None) -> Iterator[dict[str, Any]]:
    """The inspect of an image that gives all that images can give."""
    config = {
        "Env": ["PATH=/bin", "MODE=live"],
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["true"],
        "Labels": {"maker": "them", "tier": "db"},
        "WorkingDir": "/www",
        "User": "1:2",
        "ExposedPorts": {"80/tcp": {}, "81/tcp": {}},
        "Volumes": {"/theirs": {}},
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 2},
        "StopSignal": "SIGQUIT",
    }
    call(client, "POST", "/commit", params={"container": "round-other", "repo": "round-image", "tag": "1"}, body=config)
    yield call(client, "GET", "/images/round-image:1/json")
    call(client, "DELETE", "/images/round-image:1", params={"force": "1"})


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"command": ("false",), "env": ("MODE=test", "MORE=1"), "labels": (("maker", "me"),), "user": "root"},
        {"entrypoint": ("/bin/ls",)},
        {"entrypoint": ("",), "command": ("/bin/ls",)},
        {"healthcheck": Healthcheck(interval=7_000_000_000), "stop_signal": "SIGTERM", "working_dir": "/"},
        {"healthcheck": Healthcheck(("NONE",)), "mounts": (Mount("volume", "round-data", "/theirs"),)},
        {"ports": (Port(80, 8080),), "expose": ("90/tcp",)},
    ],
    ids=str,
)
def test_what_an_image_gives_is_not_what_was_asked_for(created: Created, unix_engine: Endpoint, image, asked):
    spec, version = replace(DOCKER_RUN, image="round-image:1", name="round", **asked), unix_engine.api_version
    inspect = created(spec, body(spec, version), {})
    made = from_inspect(inspect)
    assert subtracted(made, image) == spec
    assert differences(spec, made) == ()
    again = created(spec, recreated(subtracted(made, image), inspect, version), {})
    assert plain(again) == plain(inspect)
    # Without the image, when it is gone, it comes out the same, but for an entry point that was taken away.
    if made.entrypoint:
        again = created(spec, recreated(subtracted(made), inspect, version), {})
        assert plain(again) == plain(inspect)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_its_docker_run_is_read_back(asked):
    spec = replace(PLAIN, **asked)
    parsed = parse(text(spec))
    assert unsaid(spec) or (parsed.spec, parsed.problems) == (spec, ())


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not on this machine")
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_real_docker_makes_the_same_container_of_it(client: Client, unix_host: Host, asked):
    spec, version = replace(PLAIN, **asked), unix_host.endpoint.api_version
    if later_joins(spec, version) or any(join.mac_address for join in spec.joins):
        pytest.skip("the docker CLI takes several networks, and MAC addresses, only with engines that speak API 1.44")
    words = argv(spec, start=False)
    environ = os.environ | {"DOCKER_HOST": f"unix://{unix_host.engine.socket}"}
    subprocess.run(words, check=True, capture_output=True, env=environ)
    made = subtracted(from_inspect(call(client, "GET", f"/containers/{spec.name}/json")))
    call(client, "DELETE", f"/containers/{spec.name}", params={"force": "1", "v": "1"})
    # Some versions of the CLI send the environment in any order.
    assert replace(made, env=spec.env) == spec and sorted(made.env) == sorted(spec.env)
    assert unsaid(spec) == ()
