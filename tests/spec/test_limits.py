"""The rules for those below manager, without any engine."""

import time
from dataclasses import fields, replace

import pytest

from engines.models import EngineLimits
from engines.spec import limits as rules
from engines.spec.facts import Facts
from engines.spec.inspected import from_inspect
from engines.spec.limits import Refusal, dangerous, refusals
from engines.spec.types import ContainerSpec, Device, DeviceRequest, Healthcheck, Join, Mount, Port, Rate, Ulimit

STRICT = EngineLimits()
PLAIN = ContainerSpec(image="busybox:local", memory_bytes=64 << 20, pids=50)
FACTS = Facts(
    volumes={"data": True, "nfs": False, "shared": True},
    closed={"shared": "agent"},
    networks={"shop": "bridge", "wide": "overlay"},
    sensitive=("/srv/console",),
)


def refused(limits: EngineLimits = STRICT, **asked) -> set[str]:
    return {each.field for each in refusals(replace(PLAIN, **asked), limits, FACTS)}


def bind(path: str, **more) -> dict:
    return {"mounts": (Mount("bind", path, "/inside", **more),)}


def volume(name: str, **more) -> dict:
    return {"mounts": (Mount("volume", name, "/inside", **more),)}


#: What is allowed to everybody who may create at all.
ORDINARY = [
    {},
    {"command": ("sh", "-c", "true"), "env": ("A=b",), "user": "root", "labels": (("tier", "web"),), "tty": True},
    {"ports": (Port(80, 8080), Port(53, 0, "udp", ""))},
    volume("data"),
    {"mounts": (Mount("tmpfs", "", "/run"),)},
    {"network": "none"},
    {"network": "shop"},
    {"restart": "on-failure", "restart_retries": 10},
    {"restart": "unless-stopped"},
    {"cap_add": ("NET_BIND_SERVICE",), "cap_drop": ("ALL",)},
    {"ulimits": (Ulimit("nofile", 1024, 1 << 20),)},
    {"log_driver": "local", "log_options": (("compress", "true"), ("max-file", "2"), ("max-size", "10m"))},
    {"extra_hosts": ("db:192.0.2.1",), "dns": ("192.0.2.53",)},
    {"shm_bytes": 256 << 20},
    {"oom_score_adj": 500},
    {"mounts": (Mount("volume", "", "/own", labels=(("a", "b"),), no_copy=True),)},
    {"mounts": (Mount("tmpfs", "", "/run", options=("gid=5", "uid=5"), size_bytes=1 << 20, mode=0o700),)},
    volume("data", subpath="below", driver="local"),
    {"memory_swap_bytes": 128 << 20, "memory_reservation_bytes": 1 << 20, "memory_swappiness": 0},
    {"cpu_shares": 1024, "cpu_quota": 1000, "cpu_period": 1000, "cpuset_cpus": "0", "cpuset_mems": "0"},
    {"blkio_weight": 500, "device_read_bps": (Rate("/dev/sda", 1),), "blkio_weight_device": (Rate("/dev/sda", 500),)},
    {"stop_timeout": 600, "stop_signal": "SIGQUIT", "auto_remove": True, "interactive": True, "group_add": ("5",)},
    {"healthcheck": Healthcheck(("CMD", "true"), interval=1_000_000_000)},
    {"joins": (Join("bridge"), Join("shop", ("db",), "192.0.2.7", "2001:db8::7", mac_address="02:00:00:00:00:01"))},
    {"publish_all": True, "expose": ("80/tcp",), "domainname": "example", "platform": "linux/arm64"},
]

#: Field -> what is never given to those below manager with the default limits.
BEYOND = [
    ("privileged", {"privileged": True}),
    *(("cap_add", {"cap_add": (name,)}) for name in ("SYS_ADMIN", "ALL", "NET_ADMIN", "SYS_PTRACE", "MADE_UP")),
    ("cap_add", {"cap_add": ("SYS_ADMIN",), "cap_drop": ("ALL",)}),
    *(
        ("security_opt", {"security_opt": (option,)})
        for option in (
            "seccomp=unconfined",
            "apparmor=unconfined",
            "label=disable",
            'seccomp={"defaultAction":""}',
            "x",
        )
    ),
    ("new_privileges", {"new_privileges": True}),
    ("unmasked", {"unmasked": True}),
    *((mode, {mode: "host"}) for mode in ("pid", "ipc", "uts", "userns", "cgroupns", "network")),
    *((mode, {mode: "container:abc"}) for mode in ("pid", "ipc", "network")),
    *((mode, {mode: "else"}) for mode in ("pid", "ipc", "uts", "userns", "cgroupns")),
    ("network", {"network": "wide"}),
    ("network", {"network": "nowhere"}),
    *(
        ("mounts", bind(path))
        for path in ("/", "/etc", "/run/docker.sock", "/var/run", "//var/run", "/srv/../etc", "relative", "C:\\", "")
    ),
    ("mounts", volume("missing")),
    ("mounts", volume("nfs")),
    ("mounts", volume("shared")),
    ("mounts", volume("data", options=("a driver of its own",))),
    ("mounts", {"mounts": (Mount("tmpfs", "", "/run", options=("exec",)),)}),
    *(("mounts", {"mounts": (Mount(kind, "x", "/y"),)}) for kind in ("npipe", "cluster", "image", "")),
    ("volumes_from", {"volumes_from": ("db",)}),
    ("devices", {"devices": (Device("/dev/sda", "/dev/sda"),)}),
    ("sysctls", {"sysctls": (("net.ipv4.ip_forward", "1"),)}),
    ("runtime", {"runtime": "kata"}),
    ("cgroup_parent", {"cgroup_parent": "/other"}),
    ("oom_kill_disable", {"oom_kill_disable": True}),
    ("oom_score_adj", {"oom_score_adj": -1}),
    *(("log_driver", {"log_driver": driver}) for driver in ("syslog", "gelf", "splunk", "none", "")),
    ("log_options", {"log_options": ()}),
    ("log_options", {"log_options": (("max-file", "3"), ("max-size", "-1"))}),
    ("log_options", {"log_options": (("max-file", "0"), ("max-size", "1m"))}),
    ("log_options", {"log_options": (("max-file", "3"), ("max-size", "900g"))}),
    ("log_options", {"log_options": (("max-file", "3"), ("max-size", "1m"), ("syslog-address", "tcp://192.0.2.1"))}),
    ("shm_bytes", {"shm_bytes": (256 << 20) + 1}),
    ("restart", {"restart": "always"}),
    ("restart", {"restart": "on-failure"}),
    ("restart", {"restart": "on-failure", "restart_retries": 11}),
    ("memory_bytes", {"memory_bytes": 0}),
    ("pids", {"pids": 0}),
    ("ulimits", {"ulimits": (Ulimit("nofile", -1, -1),)}),
    ("ulimits", {"ulimits": (Ulimit("nofile", 1, 1 << 30),)}),
    ("ulimits", {"ulimits": (Ulimit("memlock", 1, 1),)}),
    ("extra_hosts", {"extra_hosts": ("me:host-gateway",)}),
    ("other", {"other": ("Novelty",)}),
    ("mounts", volume("data", driver="nfs")),
    ("mounts", volume("data", driver_options=(("type", "tmpfs"),))),
    ("mounts", volume("", driver="nfs")),
    *(
        ("mounts", {"mounts": (Mount("tmpfs", "", "/run", options=(word,)),)})
        for word in ("dev", "suid", "huge=always")
    ),
    ("device_cgroup_rules", {"device_cgroup_rules": ("c 42:* rmw",)}),
    ("device_requests", {"device_requests": (DeviceRequest(count=-1, capabilities=(("gpu",),)),)}),
    ("volume_driver", {"volume_driver": "nfs"}),
    ("storage_options", {"storage_options": (("size", "900g"),)}),
    ("links", {"links": ("db:data",)}),
    ("annotations", {"annotations": (("run.oci.x", "1"),)}),
    ("isolation", {"isolation": "process"}),
    *(("joins", {"joins": (Join(name),)}) for name in ("nowhere", "wide", "host")),
    ("joins", {"joins": (Join("bridge", driver_options=(("a", "b"),)),)}),
    *(("stop_timeout", {"stop_timeout": seconds}) for seconds in (-1, 601)),
    ("healthcheck", {"healthcheck": Healthcheck(interval=1_000_000)}),
    ("healthcheck", {"healthcheck": Healthcheck(start_interval=1_000_000)}),
    *(("memory_swap_bytes", {"memory_swap_bytes": swap}) for swap in (-1, (128 << 20) + 1)),
    ("cpu_shares", {"cpu_shares": 1025}),
    ("cpu_realtime_period", {"cpu_realtime_period": 1}),
    ("cpu_realtime_runtime", {"cpu_realtime_runtime": 1}),
    ("blkio_weight", {"blkio_weight": 501}),
    ("blkio_weight_device", {"blkio_weight_device": (Rate("/dev/sda", 501),)}),
    *(
        ("device_read_bps", {"device_read_bps": (Rate(path, 1),)})
        for path in ("/etc/shadow", "/dev/../etc", "", "/devs")
    ),
    ("device_write_iops", {"device_write_iops": (Rate("/root", 1),)}),
]


@pytest.mark.parametrize("asked", ORDINARY, ids=str)
def test_the_ordinary_is_allowed(asked):
    assert refused(**asked) == set()


@pytest.mark.parametrize(("field", "asked"), BEYOND, ids=str)
def test_what_is_beyond_is_refused_at_its_field_alone(field, asked):
    assert refused(**asked) == {field}


def test_every_refusal_is_a_sentence_with_its_field():
    for field, asked in BEYOND:
        for refusal in refusals(replace(PLAIN, **asked), STRICT, FACTS):
            assert refusal.field == field
            assert str(refusal).startswith("Only managers") and str(refusal).endswith(".")


def test_every_field_is_free_or_has_a_rule_and_a_new_one_is_refused(monkeypatch):
    for each in fields(ContainerSpec):
        assert (each.name in rules._FREE) != (each.name in rules._RULES), each.name
    monkeypatch.setattr(rules, "_FREE", rules._FREE - {"hostname"})
    assert refusals(replace(PLAIN, hostname="new"), STRICT, FACTS) == (
        Refusal("hostname", "uses what this console has no rule for"),
    )


@pytest.mark.parametrize(
    ("switches", "asked"),
    [
        ({"privileged": True}, {"privileged": True}),
        ({"host_namespaces": True}, {"pid": "host", "network": "host", "ipc": "host", "uts": "host"}),
        ({"devices": True}, {"devices": (Device("/dev/fuse", "/dev/fuse"),)}),
        ({"devices": True}, {"device_requests": (DeviceRequest(count=1),), "device_cgroup_rules": ("c 42:* rmw",)}),
        ({"capabilities": ["SYS_PTRACE"]}, {"cap_add": ("SYS_PTRACE",)}),
        ({"new_privileges": True}, {"new_privileges": True}),
        ({"memory_required": False}, {"memory_bytes": 0}),
        ({"pids_required": False}, {"pids": 0}),
        ({"host_paths": ["/srv/data"]}, bind("/srv/data")),
    ],
    ids=str,
)
def test_a_switch_allows_just_what_it_names(switches, asked):
    assert refused(**asked)
    assert refused(EngineLimits(**switches), **asked) == set()


@pytest.mark.parametrize(
    ("switches", "asked"),
    [
        ({"host_paths": ["/srv/data"]}, bind("/srv/database")),
        ({"host_paths": ["/srv/data"]}, bind("/srv")),
        ({"host_paths": ["/srv/data"]}, bind("/srv/data/a-link-that-leads-anywhere", read_only=True)),
        ({"host_paths": ["/srv/data"]}, bind("/srv/data/../../etc")),
        *(({"host_paths": ["/srv/data"]}, bind("/srv/data", propagation=word)) for word in ("rshared", "slave", "new")),
        *(({"host_paths": ["/srv/data"]}, bind("/srv/data", options=(word,))) for word in ("z", "CreateMountpoint")),
        ({"host_paths": ["/"]}, bind("/")),
        *(({"host_paths": ["/"]}, bind(path)) for path in ("/run", "/var/run/docker.sock", "/var/lib", "/proc/1/root")),
        ({"host_paths": ["/"]}, bind("/srv")),
        ({"host_paths": ["/srv"]}, bind("/srv/console/keys")),
        ({"host_namespaces": True}, {"pid": "container:abc"}),
        ({"capabilities": ["SYS_PTRACE"]}, {"cap_add": ("SYS_ADMIN",)}),
        ({"capabilities": ["ALL"]}, {"cap_add": ("ALL",)}),
        ({"port_lowest": 8000, "port_highest": 8999}, {"ports": (Port(80, 80),)}),
        ({"port_lowest": 8000, "port_highest": 8999}, {"ports": (Port(80, 9000),)}),
        ({"port_lowest": 8000, "port_highest": 8999}, {"ports": (Port(80),)}),
        ({"port_lowest": 8000, "port_highest": 8999}, {"ports": (Port(80, 8000, public_end=9000),)}),
        ({"port_lowest": 8000, "port_highest": 8999}, {"publish_all": True}),
        ({"publish_everywhere": False}, {"publish_all": True}),
        *(({"publish_everywhere": False}, {"ports": (Port(80, 80, address=to),)}) for to in ("", "0.0.0.0", "::", "x")),
        ({"memory_most_bytes": 1 << 20}, {}),
        ({"memory_most_bytes": 1 << 30, "memory_required": False}, {"memory_bytes": 0}),
        ({"pids_most": 49}, {}),
    ],
    ids=str,
)
def test_a_switch_allows_nothing_beside_it(switches, asked):
    assert refused(EngineLimits(**switches), **asked)


@pytest.mark.parametrize(
    ("inspect", "said"),
    [
        ({"HostConfig": {"Privileged": True}}, "privileged"),
        ({"HostConfig": {"CapAdd": ["CAP_SYS_ADMIN"]}}, "SYS_ADMIN"),
        ({"HostConfig": {"NetworkMode": "container:abc"}}, "another container's network"),
        ({"HostConfig": {"IpcMode": "host"}}, "host's shared memory"),
        ({"HostConfig": {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}}, "seccomp=unconfined"),
        ({"HostConfig": {"SecurityOpt": ["label=disable"]}}, "label=disable"),
        ({"HostConfig": {"Devices": [{"PathOnHost": "/dev/sda"}]}}, "device /dev/sda"),
        ({"HostConfig": {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}}, "devices of the host: gpu"),
        ({"HostConfig": {"DeviceRequests": [{}]}}, "devices of the host: any"),
        ({"HostConfig": {"DeviceCgroupRules": ["a *:* rwm"]}}, "devices a *:* rwm"),
        ({"HostConfig": {"VolumeDriver": "nfs"}}, "driver nfs"),
        ({"HostConfig": {"Links": ["/db:/web/data"]}}, "environment of db"),
        ({"HostConfig": {"Annotations": {"run.oci.x": "1"}}}, "run.oci.x"),
        ({"HostConfig": {"Isolation": "process"}}, "isolation"),
        ({"HostConfig": {"VolumesFrom": ["db"]}}, "volumes of db"),
        ({"HostConfig": {"MaskedPaths": []}}, "hidden"),
        ({"HostConfig": {"Sysctls": {"kernel.x": "1"}}}, "kernel.x"),
        ({"HostConfig": {"Binds": ["/etc:/x:ro"]}}, "mounts /etc of the host"),
        ({"HostConfig": {"Binds": ["data:/x:z"]}}, "with z"),
        ({"HostConfig": {"Tmpfs": {"/x": "size=1m,exec"}}}, "with exec"),
        ({"HostConfig": {"Mounts": [{"Type": "tmpfs", "TmpfsOptions": {"Options": [["suid"]]}}]}}, "with suid"),
        ({"HostConfig": {"Binds": ["nfs:/x"]}}, "volume nfs"),
        (
            {
                "HostConfig": {
                    "Mounts": [
                        {
                            "Type": "volume",
                            "Source": "data",
                            "Target": "/x",
                            "VolumeOptions": {"DriverConfig": {"Options": {"o": "bind"}}},
                        }
                    ]
                }
            },
            "driver",
        ),
        ({"Mounts": [{"Type": "bind", "Source": "/", "Destination": "/x"}]}, "mounts / of the host"),
        ({"Mounts": [{"Type": "volume", "Name": "nfs", "Destination": "/x"}]}, "volume nfs"),
        ({"HostConfig": {"Novelty": {"on": True}}}, "Novelty"),
    ],
    ids=str,
)
def test_what_reaches_beyond_a_container_is_dangerous(inspect, said):
    (only,) = dangerous(from_inspect(inspect), STRICT, FACTS)
    assert said in only


def test_an_ordinary_container_reaches_nothing():
    host = {"NetworkMode": "wide", "IpcMode": "private", "SecurityOpt": ["no-new-privileges"], "CapAdd": None}
    mounts = [{"Type": "volume", "Name": "a" * 64, "Source": "/x", "Destination": "/y"}, {"Type": "tmpfs"}]
    assert dangerous(from_inspect({"HostConfig": host, "Mounts": mounts}), STRICT, FACTS) == ()


def test_what_the_limits_allow_is_not_dangerous():
    inspect = {"HostConfig": {"Privileged": True, "CapAdd": ["SYS_PTRACE"], "Binds": ["/srv/data:/x"]}}
    allowing = EngineLimits(privileged=True, capabilities=["SYS_PTRACE"], host_paths=["/srv/data"])
    assert dangerous(from_inspect(inspect), allowing, FACTS) == ()
    assert len(dangerous(from_inspect(inspect), STRICT, FACTS)) == 3


def test_a_judgement_takes_microseconds():
    everything: dict = {}
    for _, asked in BEYOND:
        everything |= asked
    spec, began = replace(PLAIN, **everything), time.perf_counter()
    for _ in range(200):
        refusals(spec, STRICT, FACTS)
    assert (time.perf_counter() - began) / 200 < 0.002
