"""The demonstration's fleet stands, and leaves nothing behind."""

import stat

from engines.client.connect import call, connect
from tests.rig.fleet import Fleet


def test_a_fleet_has_three_engines_with_containers_in_every_state(rig, run_dir, tmp_path):
    with Fleet(run_dir) as fleet:
        states = {}
        for member in fleet.members:
            for container in call(connect(member.endpoint), "GET", "/containers/json", params={"all": 1}):
                states[container["Names"][0][1:]] = container["State"]
        assert states["harbour-log"] == states["quay-web"] == states["pier-log"] == "running"
        assert (states["harbour-idle"], states["quay-crash"], states["pier-idle"]) == ("paused", "exited", "exited")
        assert [member.url.partition(":")[0] for member in fleet.members] == ["unix", "tcp", "ssh"]
        assert fleet.registry in fleet.describe()
        saved = fleet.save(tmp_path / "keys")
        assert sorted(path.name for path in saved) == ["ca.pem", "cert.pem", "key.pem", "ssh_host_key", "ssh_key"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in saved} == {0o600}
        puller = connect(fleet.members[2].endpoint, timeout=60)
        puller.pull(f"{fleet.registry}/demo/web", "1")
        assert call(puller, "GET", f"/images/{fleet.registry}/demo/web:1/json")["Os"] == "linux"
    assert not any(member.host.cell.directory.exists() for member in fleet.members)
