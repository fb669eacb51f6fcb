"""The probe: real engines of each kind, and replies no engine would give."""

import json
import random

import pytest

from engines.client.errors import EngineError, NotAnEngine
from engines.client.probe import from_api, probe

VERSION = {"Version": "29.1", "ApiVersion": "1.52", "MinAPIVersion": "1.44"}


@pytest.mark.parametrize("kind", ["unix", "tls", "ssh", "plain"])
def test_every_kind_of_engine_tells_what_docker_version_shows(request, kind):
    seen = probe(request.getfixturevalue(f"{kind}_engine"))
    assert (seen.api_version, seen.os, seen.experimental) == ("1.41", "linux", False)
    assert {"Engine", "containerd", "runc", "docker-init"} == {part.name for part in seen.components}
    assert seen.components[0].details["ApiVersion"] == seen.engine_api == "1.41"
    assert seen.engine_id and seen.go_version.startswith("go") and seen.cpus and seen.memory_bytes > 1 << 20
    assert (seen.storage_driver, seen.swarm, seen.name) == ("overlay2", "inactive", kind)
    assert [made.path for made in seen.requests] == ["/version", "/v1.41/info"]
    assert seen.ours.sdk_version and seen.ours.newest_api == "1.45"


def test_two_engines_have_ids_of_their_own(unix_engine, tls_engine):
    assert probe(unix_engine).engine_id != probe(tls_engine).engine_id


def test_a_hung_engine_is_told_in_time(fresh_host):
    fresh_host.engine.suspend()
    try:
        with pytest.raises(EngineError, match="within 1 s"):
            probe(fresh_host.endpoint, timeout=1)
    finally:
        fresh_host.engine.resume()
    fresh_host.engine.kill()
    with pytest.raises(EngineError, match="refused"):
        probe(fresh_host.endpoint)
    fresh_host.engine.start()
    assert probe(fresh_host.endpoint).version


def test_a_newer_engine_is_spoken_to_with_the_newest_api_of_ours():
    assert from_api(VERSION, {}).api_version == "1.45"


def test_hostile_text_is_made_harmless():
    seen = from_api(VERSION | {"Os": "a\x1b[2Jb\u202e" + "x" * 1000}, {"Name": "a\nb"})
    assert seen.os.startswith("a\ufffd[2Jb\ufffdx") and len(seen.os) == 300
    assert seen.name == "a\ufffdb"


def test_wrong_types_anywhere_are_no_engine_or_empty_and_nothing_else():
    wrong = [None, True, -1, 1.5, 1 << 80, "", "x", [], [[]], [None, 1, {}], {}, {"Name": []}, {"a": {"b": None}}]
    names = ["Version", "ApiVersion", "MinAPIVersion", "Platform", "Components", "Os", "Experimental", "BuildTime"]
    named = ["ID", "Name", "NCPU", "MemTotal", "SecurityOptions", "Swarm", "Driver", "Images", "ContainersRunning"]
    source = random.Random(3)
    for _ in range(2000):
        version = VERSION | {source.choice(names): source.choice(wrong)}
        info = {source.choice(named): source.choice(wrong) for _ in range(3)}
        try:
            assert json.dumps(from_api(version, info).memory_bytes).isdigit()
        except NotAnEngine:
            continue
