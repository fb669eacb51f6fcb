"""The form says a container as it is: what is filled in from one is given back the same."""

from dataclasses import fields, replace

import pytest

from engines.creation.forms import CreateForm
from engines.spec.limits import Refusal
from engines.spec.types import (
    ROTATION,
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

PLAIN = ContainerSpec("busybox:local")
#: Field -> values of which each must come back as it was.
VALUES: dict[str, list[object]] = {
    "image": ["alpine", "registry.example:5000/team/app:1.0@sha256:" + "a" * 64, "sha256:" + "b" * 64],
    "name": ["web-1"],
    "platform": ["linux/arm/v7", "linux"],
    "command": [("sh", "-c", "echo 'a b' \"c\" $HOME\n| done"), ("",), ("--flag=a\\b", "Ünïcode", "a,b")],
    "entrypoint": [("/bin/sh", "-c"), ("",)],
    "env": [
        ("A=b=c", "B=", "C= spaced ", 'D="quoted"'),
        ("KEY=-----BEGIN\n  a\n\n| b\n-----END", "NEXT=|x"),
        ("0.x(y)=1",),
    ],
    "labels": [(("a.b[0].c", "x=y"), ("json", '{"a": [1,\n 2]}')), (("Spaces in it", "1"), ("empty", ""))],
    "annotations": [(("org.example", "1"),)],
    "working_dir": ["/", "/srv/data"],
    "user": ["1000:1000", "www-data"],
    "group_add": [("audio", "1000")],
    "hostname": ["deck-1.example"],
    "domainname": ["example.org"],
    "tty": [True],
    "interactive": [True],
    "init": [True],
    "stop_signal": ["SIGQUIT", "SIGRTMIN+3", "3"],
    "stop_timeout": [0, -1, 90],
    "healthcheck": [
        Healthcheck(("NONE",)),
        Healthcheck(("CMD", "curl", "-f", "http://localhost/ a"), 30_000_000_000, 1_500_000_000, 1, 250_000_000, 5),
        Healthcheck(("CMD-SHELL", "curl -f 'http://x' || exit 1\ntrue")),
        Healthcheck(interval=90_000_000_000),
    ],
    "ports": [
        (Port(80), Port(80, 8080), Port(81, 8081, "udp", ""), Port(82, 0, "tcp", ""), Port(83, 83, "sctp", "::1")),
        (Port(80, 0, "tcp", "192.0.2.1"), Port(80, 80, "tcp", "0.0.0.0"), Port(80, 8000, "udp", "", 8010)),
    ],
    "expose": [("53/udp", "80/tcp")],
    "publish_all": [True],
    "network": ["none", "host", "shop", "container:web"],
    "joins": [
        (
            Join("other", driver_options=(("com.example.a", "b,c"),)),
            Join("shop", ("cache", "db"), "192.0.2.5", "2001:db8::5", ("169.254.1.1",), "92:d0:c6:0a:29:33"),
        )
    ],
    "links": [("cache:cache", "db:database")],
    "dns": [("192.0.2.53", "2001:db8::53")],
    "dns_options": [("ndots:2", "use-vc")],
    "dns_search": [("example.org", ".")],
    "extra_hosts": [("db:192.0.2.1", "me:host-gateway", "six:2001:db8::1")],
    "mounts": [
        (
            Mount("bind", "/srv/a:b", "/colon"),
            Mount("bind", "/srv/data", "/data", read_only=True, propagation="rshared"),
            Mount("tmpfs", "", "/run", size_bytes=64 << 20, mode=0o1777),
            Mount("bind", "/srv/flat", "/flat", options=("NonRecursive",)),
            Mount("bind", "/srv/label", "/label", options=("z",)),
            Mount("tmpfs", "", "/tmp", read_only=True),
            Mount("tmpfs", "", "/exec", options=("exec", "uid=1")),
            Mount("tmpfs", "", "/small", size_bytes=1000),
            Mount("volume", "", "/anonymous"),
            Mount("volume", "", "/still", read_only=True),
            Mount("volume", "data", "/copy", no_copy=True),
            Mount("volume", "data", "/part", subpath="a/b,c"),
            Mount(
                "volume",
                "share",
                "/share",
                driver="vieux/sshfs:latest",
                driver_options=(("o", "addr=192.0.2.1,rw"), ("type", "nfs")),
                labels=(("a", "b"),),
            ),
        )
    ],
    "volumes_from": [("web", "db:ro")],
    "volume_driver": ["vieux/sshfs:latest"],
    "storage_options": [(("size", "10G"),)],
    "read_only": [True],
    "shm_bytes": [64 << 20, 100_000_001],
    "restart": ["unless-stopped", "always"],
    "auto_remove": [True],
    "memory_bytes": [0, 512 << 20, 500_000_001, 3 << 30],
    "memory_reservation_bytes": [256 << 20],
    "memory_swap_bytes": [-1, 1 << 30],
    "memory_swappiness": [0, 60],
    "nano_cpus": [1_500_000_000, 1, 12_000_000_000],
    "cpu_shares": [512],
    "cpu_period": [100_000],
    "cpu_quota": [50_000],
    "cpu_realtime_period": [1_000_000],
    "cpu_realtime_runtime": [950_000],
    "cpuset_cpus": ["0-2,7"],
    "cpuset_mems": ["0"],
    "pids": [0, 100],
    "ulimits": [(Ulimit("core", -1, -1), Ulimit("nofile", 1024, 2048))],
    "blkio_weight": [300],
    "blkio_weight_device": [(Rate("/dev/sda", 300),)],
    "device_read_bps": [(Rate("/dev/nvme0n1", 1000), Rate("/dev/sda", 10 << 20))],
    "device_read_iops": [(Rate("/dev/sda", 1000),)],
    "device_write_bps": [(Rate("/dev/mapper/a-b", 1 << 40),)],
    "device_write_iops": [(Rate("/dev/sda", 1),)],
    "log_driver": ["local", "grafana/loki-docker-driver:latest"],
    "log_options": [(), ROTATION, (("labels", "a,b"), ("max-size", "1m"))],
    "privileged": [True],
    "new_privileges": [True],
    "cap_add": [("NET_ADMIN", "SYS_TIME")],
    "cap_drop": [("ALL",)],
    "security_opt": [("apparmor=unconfined", 'seccomp={"defaultAction": "SCMP_ACT_ALLOW"}')],
    "unmasked": [True],
    "devices": [
        (Device("/dev/fuse", "/dev/fuse"), Device("/dev/sda", "/dev/xvda", "r"), Device("/dev/x", "/dev/x", "rw"))
    ],
    "device_cgroup_rules": [("a *:* rwm", "c 189:* rmw")],
    "device_requests": [
        (
            DeviceRequest(count=-1, capabilities=(("gpu",),)),
            DeviceRequest("nvidia", 0, ("0", "GPU-1"), (("gpu", "utility"), ("gpu",)), (("a", "b"),)),
        )
    ],
    "pid": ["host", "container:web"],
    "ipc": ["host", "none", "container:web"],
    "uts": ["host"],
    "userns": ["host"],
    "cgroupns": ["host"],
    "sysctls": [(("net.core.somaxconn", "1024"), ("net.ipv4.ip_local_port_range", "1024 65000"))],
    "runtime": ["io.containerd.runsc.v1"],
    "isolation": ["hyperv"],
    "cgroup_parent": ["/pods/a"],
    "oom_kill_disable": [True],
    "oom_score_adj": [-500, 1000],
}
#: Not fields of their own: of `restart`, and only read.
PARTS = {"restart_retries", "other"}


def again(spec: ContainerSpec) -> ContainerSpec:
    """`spec` as the form gives it back; the console's own label is taken away again."""
    form = CreateForm(CreateForm.of(spec).sent())
    assert form.is_valid(), form.errors
    found = form.spec("ann")
    assert ("console.user", "ann") in found.labels
    return replace(found, labels=tuple(pair for pair in found.labels if pair[0] != "console.user"))


def test_every_field_of_a_spec_is_tried():
    assert {each.name for each in fields(ContainerSpec)} == VALUES.keys() | PARTS


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in VALUES.items() for value in values])
def test_what_is_filled_in_from_a_container_is_given_back_the_same(name, value):
    spec = replace(PLAIN, **{name: tuple(sorted(value)) if name == "mounts" else value})
    assert again(spec) == spec
    assert CreateForm.of(spec).unsaid(spec) == ()


def test_all_of_it_at_once_is_given_back_the_same():
    spec = replace(PLAIN, **{name: values[0] for name, values in VALUES.items()})
    spec = replace(spec, restart="on-failure", restart_retries=3, mounts=tuple(sorted(spec.mounts)))
    assert again(spec) == spec


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mounts", (Mount("bind", "/a", "/b", options=("CreateMountpoint",)),)),
        ("mounts", (Mount("npipe", "x", "/run"),)),
        ("other", ("KernelMemory",)),
        ("env", ("NO_VALUE",)),
        ("env", ("A=windows\r",)),
        ("labels", (("control\x07", "1"),)),
        ("restart", "whenever"),
        ("healthcheck", Healthcheck(("CMD-SHELL", "a", "b"))),
        ("restart_retries", 7),
    ],
)
def test_what_the_form_cannot_say_is_told_and_never_lost_in_silence(name, value):
    spec = replace(PLAIN, **{name: value})
    assert CreateForm.of(spec).unsaid(spec) == (name,)


def test_a_container_s_own_label_of_the_console_is_not_shown_and_not_lost_sight_of():
    spec = replace(PLAIN, labels=(("console.user", "bob"), ("tier", "web")))
    form = CreateForm.of(spec)
    assert form["labels"].value() == "tier=web"
    assert form.unsaid(spec) == ()
    assert CreateForm(form.sent()).is_valid()


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("ports", "8000-8009:9000-9001", "8000-8009:8000-8009"),
        ("ports", "1-65535:1-65535", "write 8080:80"),
        ("ports", "1-150\n1000-1150", "At most 200 ports"),
        ("ports", "0:80", "write 8080:80"),
        ("memory_bytes", "512", "unit"),
        ("memory_bytes", "1m", "less than 6m"),
        ("memory_bytes", "99999999p", "more than any engine"),
        ("memory_swap_bytes", "-2", "unit"),
        ("nano_cpus", "NaN", "number"),
        ("nano_cpus", "-1", "from 0 up"),
        ("nano_cpus", "Infinity", "number"),
        ("mounts", "type=volume,target=/x,bind-propagation=rshared", "is of a bind"),
        ("mounts", "type=bind,target=/x", "has a source"),
        ("mounts", "type=tmpfs,source=a,target=/x", "no source"),
        ("mounts", "type=cluster,source=a,target=/x", "volume, bind or tmpfs"),
        ("mounts", "type=volume,target=/x,sideways=1", "sideways is not known"),
        ("mounts", 'type=volume,"target=/x', "not closed"),
        ("mounts", "a:/x:y", "write volume:/path"),
        ("tmpfs", "/run:9", "write /path"),
        ("joins", "shop,ip=1.2.3", "not an IP address"),
        ("joins", "shop,mac-address=zz", "no MAC address"),
        ("joins", "shop,ip=192.0.2.1,ip=192.0.2.2", "twice"),
        ("device_requests", "count=1,device=0", "not both"),
        ("devices", "/dev/../etc", "write /dev/x"),
        ("health_interval", "30", "unit"),
        ("healthcheck", "CMD", "Write the command"),
        ("health_command", "true", "Choose how"),
        ("security_opt", "no-new-privileges=false", "seccomp=unconfined"),
        ("env", "A=\x00", "NUL"),
        ("env", "| more", "NAME=value"),
        ("labels", "console.user=me", "begin with console."),
        ("name", "a", "two characters"),
        ("user", "a\nb", "one line"),
        ("command", "sh -c 'x", "not closed"),
        ("stop_timeout", "-2", "-1"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_field(field, typed, said):
    form = CreateForm({"image": "busybox:local", field: typed})
    assert not form.is_valid()
    assert said in str(form.errors), form.errors


@pytest.mark.parametrize(
    ("typed", "ports"),
    [
        ("8080:80", (Port(80, 8080),)),
        ("127.0.0.1:80", (Port(80),)),
        ("127.0.0.1::80", (Port(80),)),
        ("*:53:53/udp", (Port(53, 53, "udp", ""),)),
        ("[::]:80:80, 80:80", (Port(80, 80), Port(80, 80, "tcp", "::"))),
        ("8000-8002:9000-9002", (Port(9000, 8000), Port(9001, 8001), Port(9002, 8002))),
    ],
)
def test_ports_are_read_as_they_are_typed_for_docker_run(typed, ports):
    form = CreateForm({"image": "busybox:local", "ports": typed})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["ports"] == ports


def test_a_section_says_what_is_set_and_is_open_where_something_unusual_is():
    fresh = {section.label: section for section in CreateForm().sections}
    assert fresh["Limits"].summary == "Memory 512m · Processes 512"
    assert [label for label, section in fresh.items() if section.open] == []
    spec = replace(PLAIN, memory_bytes=512 << 20, pids=512, privileged=True, labels=(("a", "1\n2"),), restart="always")
    shown = {section.label: section for section in CreateForm.of(spec).sections}
    assert {label for label, section in shown.items() if section.open} == {
        "General",
        "Labels",
        "Rights",
        "Restart and end",
    }
    assert shown["Rights"].summary == "Privileged"
    assert shown["Labels"].summary == "Labels (1)"


@pytest.mark.parametrize(("typed", "field"), [("mounts", "mounts"), ("tmpfs", "tmpfs")])
def test_every_refused_mount_is_told_where_mounts_were_typed(typed, field):
    form = CreateForm({"image": "busybox:local", typed: "/a:64m\n/b" if typed == "tmpfs" else "/a:/a\n/b:/b"})
    assert form.is_valid(), form.errors
    form.tell([Refusal("mounts", "one"), Refusal("mounts", "two"), Refusal("other", "three")])
    assert [len(form.errors[name]) for name in (field, "__all__")] == [2, 1]
    assert len(form.errors) == 2
