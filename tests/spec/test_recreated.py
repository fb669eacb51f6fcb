"""The request for a container in the place of another, without any engine."""

from dataclasses import replace

from engines.spec.inspected import from_inspect
from engines.spec.recreated import kept, later, recreated
from engines.spec.types import Join, Mount

INSPECT = {
    "Id": "0123456789ab" + "0" * 52,
    "Name": "/web",
    "Config": {
        "Image": "app:1",
        "Cmd": ["serve"],
        "Volumes": {"/own/": {}},
        "AttachStdout": True,
        "NetworkDisabled": True,
        "OnBuild": ["RUN x"],
        "Shell": ["/bin/ash"],
    },
    "HostConfig": {
        "NetworkMode": "default",
        "IpcMode": "shareable",
        "CgroupnsMode": "host",
        "Binds": ["data:/data:ro,z"],
        "Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "Consistency": "cached"}],
        "Tmpfs": {"/run": "rw,size=5m,exec"},
        "MaskedPaths": ["/proc/kcore"],
        "LogConfig": {"Type": "json-file", "Config": {}},
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "KernelMemory": 0,
        "ConsoleSize": [24, 80],
        "Novelty": {"on": True},
        "Nothing": [],
    },
    "NetworkSettings": {"Networks": {"bridge": {"Links": ["db:data"], "IPAddress": "172.17.0.2"}, "back": {}}},
}
OLD = from_inspect(INSPECT)


def test_what_was_not_changed_is_sent_as_the_engine_had_it():
    body = recreated(OLD, INSPECT, "1.44")
    had = INSPECT["HostConfig"]
    for name in ("NetworkMode", "IpcMode", "CgroupnsMode", "Binds", "Mounts", "Tmpfs", "MaskedPaths", "ConsoleSize"):
        assert body["HostConfig"][name] == had[name], name
    assert body["HostConfig"]["Novelty"] == {"on": True}
    assert body["Volumes"] == {"/own/": {}}
    assert body["NetworkDisabled"] is True and body["AttachStdout"] is True
    assert body["NetworkingConfig"]["EndpointsConfig"] == {"bridge": {"Links": ["db:data"]}, "back": {}}


def test_what_says_nothing_or_is_the_images_is_not_sent():
    body = recreated(OLD, INSPECT, "1.44")
    assert not {"OnBuild", "Shell", "Healthcheck"} & body.keys()
    assert not {"Nothing", "KernelMemory", "PidsLimit"} & body["HostConfig"].keys()


def test_what_was_changed_is_as_the_spec_has_it():
    mounts = (*(mount for mount in OLD.mounts if mount.target != "/data"), Mount("volume", "new", "/data"))
    new = replace(OLD, command=(), mounts=mounts, unmasked=False, ipc="host", restart="always")
    body = recreated(new, INSPECT, "1.44")
    host = body["HostConfig"]
    assert "Cmd" not in body and "MaskedPaths" not in host and "Binds" not in host
    assert host["IpcMode"] == "host" and host["RestartPolicy"] == {"Name": "always"}
    assert host["Mounts"][0] == {"Type": "volume", "Target": "/data", "ReadOnly": False, "Source": "new"}
    assert host["Mounts"][1] == INSPECT["HostConfig"]["Mounts"][0]


def test_an_unknown_member_is_kept_only_where_the_spec_that_was_judged_names_it():
    assert OLD.other == ("Novelty",)
    assert "Novelty" not in recreated(replace(OLD, other=()), INSPECT, "1.44")["HostConfig"]
    # A name that the spec covers is never taken over by way of `other`.
    privileged = {**INSPECT, "HostConfig": {**INSPECT["HostConfig"], "Privileged": True}}
    spec = replace(from_inspect(privileged), privileged=False, other=("Novelty", "Privileged"))
    assert "Privileged" not in recreated(spec, privileged, "1.44")["HostConfig"]


def test_further_networks_of_older_engines_are_joined_afterwards_with_what_they_had():
    inspect = {**INSPECT, "NetworkSettings": {"Networks": {"bridge": {}, "back": {"Links": ["db:data"]}}}}
    spec = replace(from_inspect(inspect), joins=(Join("back", aliases=("web",)), Join("more")))
    assert "NetworkingConfig" not in recreated(spec, inspect, "1.43")
    assert later(spec, inspect, "1.43") == {"back": {"Aliases": ["web"], "Links": ["db:data"]}, "more": {}}
    assert later(spec, inspect, "1.44") == {}


def test_what_is_kept_unknown_is_told():
    assert kept(INSPECT) == (
        "NetworkDisabled",
        "HostConfig.Novelty",
        "Links of the network bridge",
    )
    assert kept({}) == kept({"Config": 1, "HostConfig": [], "NetworkSettings": {"Networks": {"x": None}}}) == ()
