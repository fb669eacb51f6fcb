"""The rig itself: faults are what they are called, and nothing is left behind."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from engines.client.connect import call, connect, get_json
from engines.client.endpoint import Address
from engines.client.errors import EngineError, translated
from tests.rig.hosts import host
from tests.rig.images import BASE, build, build_samples
from tests.rig.proxy import Proxy
from tests.rig.registry import Registry
from tests.rig.remains import remove_groups, sweep


@pytest.fixture
def faulty(unix_host, tmp_path):
    """A proxy before the unix engine, and a function that asks through it."""
    with Proxy(tmp_path / "p.sock", unix_host.engine.socket) as proxy:
        endpoint = replace(unix_host.endpoint, address=Address("unix", path=str(proxy.listen)))
        yield proxy, lambda timeout=1: get_json(connect(endpoint, timeout), "/version")


def test_a_proxy_that_passes_changes_nothing(faulty):
    proxy, ask = faulty
    assert ask()["Os"] == "linux"
    assert proxy.accepted == 1


@pytest.mark.parametrize(("mode", "code"), [("stall", "timeout"), ("blackhole", "timeout"), ("refuse", "cut")])
def test_a_mode_is_the_fault_it_is_called(faulty, mode, code):
    proxy, ask = faulty
    proxy.mode = mode
    with pytest.raises(EngineError) as refusal:
        ask()
    assert refusal.value.code == code
    proxy.mode = "pass"
    assert ask()["Os"] == "linux"


def test_a_cut_reply_is_told(faulty):
    proxy, ask = faulty
    proxy.cut_after = 300
    with pytest.raises(EngineError) as refusal:
        ask()
    assert refusal.value.code == "cut"


def test_delay_and_rate_slow_it_down(faulty):
    proxy, ask = faulty
    proxy.delay = 0.1
    began = time.monotonic()
    ask(5)
    assert time.monotonic() - began >= 0.2
    proxy.delay, proxy.rate = 0.0, 5000
    began = time.monotonic()
    ask(5)
    assert time.monotonic() - began >= 0.15


def test_killed_connections_end_streams(unix_host, tmp_path):
    with Proxy(tmp_path / "p.sock", unix_host.engine.socket) as proxy:
        client = connect(replace(unix_host.endpoint, address=Address("unix", path=str(proxy.listen))), timeout=5)
        with pytest.raises(EngineError), translated(5), client.get(f"{client.prefix}/events", stream=True) as stream:
            proxy.kill_all()
            list(stream.iter_content(1))


def test_a_proxy_over_tcp_makes_another_name_of_a_tls_engine(tls_host):
    with Proxy(("127.0.0.1", 0), (tls_host.ip, 2376)) as proxy:
        host, port = proxy.listen
        with pytest.raises(EngineError) as refusal:
            get_json(connect(replace(tls_host.endpoint, address=Address("tcp", host=host, port=port))), "/version")
        assert refusal.value.code == "tls-name"


def test_an_engine_can_be_killed_stopped_and_started_again(fresh_host):
    engine = fresh_host.engine
    engine.kill()
    assert not engine.alive() and not engine.answers()
    engine.start()
    engine.restart()
    assert engine.answers()
    engine.stop()
    assert not engine.alive()


def test_sample_images_are_built_and_run(unix_engine):
    client = connect(unix_engine, timeout=60)
    build_samples(client, "crash")
    assert build(client, "again:1", "FROM busybox:local\nRUN true\n", version=2).startswith("sha256:")
    made = client.create_container("crash")
    client.start(made["Id"])
    assert client.wait(made["Id"])["StatusCode"] == 3
    client.remove_container(made["Id"])
    with pytest.raises(RuntimeError, match="exit code: 7|code: 7"):
        build(client, "never:1", f"FROM {BASE}\nRUN exit 7\n")


def test_one_engine_pushes_and_another_pulls(unix_engine, tls_engine, registry):
    name = f"{registry.host}/team/base"
    pusher, puller = connect(unix_engine, timeout=60), connect(tls_engine, timeout=60)
    pusher.tag(BASE, name, "1")
    assert "error" not in pusher.push(name, "1", auth_config={})
    puller.pull(name, "1")
    assert call(puller, "GET", f"/images/{name}:1/json")["Os"] == "linux"
    session = requests.Session()
    session.trust_env = False
    assert session.get(f"http://{registry.host}/v2/team/base/tags/list", timeout=5).json()["tags"] == ["1"]
    for client in (pusher, puller):
        client.remove_image(f"{name}:1")


def test_a_registry_may_ask_for_a_login(unix_engine, rig, tmp_path):
    from_here = connect(unix_engine, timeout=60)
    with Registry(tmp_path, "ann", "secret") as locked:
        name = f"{locked.host}/base"
        from_here.tag(BASE, name, "1")
        assert "no basic auth" in from_here.push(name, "1", auth_config={})
        login = {"username": "ann", "password": "secret"}
        assert "error" not in from_here.push(name, "1", auth_config=login)
        from_here.remove_image(f"{name}:1")


def test_nothing_is_left_of_a_closed_host(rig, run_dir):
    with host("plain", run_dir, name="gone") as made:
        directory, init = made.cell.directory, made.cell.init
    assert not directory.exists()
    assert not Path(f"/proc/{init}").exists()
    assert str(directory) not in Path("/proc/mounts").read_text()
    assert made.ip not in subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout


def test_a_removal_that_was_cut_off_is_finished_by_the_next(rig):
    program = "from tests.rig.remains import private_directory; print(private_directory('cut'))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    directory = Path(ran.stdout.strip())
    (directory / "e").mkdir()
    # As a mount that is still there would: a folder that cannot be removed yet.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory / "e"], check=True)
    sweep.__wrapped__()
    assert directory.exists()
    subprocess.run(["umount", directory / "e"], check=True)
    sweep.__wrapped__()
    assert not directory.exists()


def test_what_a_killed_run_left_is_removed_by_the_next(rig, run_dir):
    program = (
        "import sys, pathlib\n"
        "from engines.client.connect import connect\n"
        "from tests.rig.hosts import host\n"
        "way = host('unix', pathlib.Path(sys.argv[1]), name='killed'); made = way.__enter__()\n"
        "client = connect(made.endpoint, timeout=60)\n"
        "paused = client.create_container('busybox:local', ['sleep', '1000000'])['Id']\n"
        "client.start(paused); client.pause(paused)\n"
        "print(made.cell.directory, flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, str(run_dir)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        directory = Path(process.stdout.readline().strip())
        process.kill()
    assert directory.exists()
    sweep.__wrapped__()
    assert not directory.exists()
    deadline = time.monotonic() + 5
    while list(Path("/sys/fs/cgroup").glob(f"**/{directory.name}-*/**/cgroup.procs")):
        assert time.monotonic() < deadline
        remove_groups(directory)
        time.sleep(0.01)
