"""The way through SSH: one process for all, started again when dead, and a sentence for each refusal."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from engines.client import ssh
from engines.client.connect import call, connect, get_json
from engines.client.endpoint import Address, Endpoint, MaterialInvalid, SshMaterial
from engines.client.errors import EngineError
from tests.rig.ports import free_port
from tests.rig.sshd import key_pair


@pytest.fixture
def at(ssh_host, tmp_path_factory) -> Iterator[Endpoint]:
    """The SSH engine, reached from a run_dir of its own."""
    directory = Path(f"/tmp/rig-ssh-{os.getpid()}-{time.monotonic_ns() % 10**9}")
    yield replace(ssh_host.endpoint, run_dir=directory)
    ssh.close_all()
    if directory.exists():
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


def code_of(endpoint: Endpoint) -> str:
    with pytest.raises(EngineError) as refusal:
        get_json(connect(endpoint), "/version")
    assert str(refusal.value).endswith(".")
    assert refusal.value.advice
    return refusal.value.code


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def forwards(directory: Path) -> list[int]:
    """Pids of the ssh processes whose working directory is `directory`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and (entry / "comm").read_text() == "ssh\n"
                and (entry / "cwd").readlink() == directory
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_an_engine_is_reached_and_no_key_is_left_on_disk(at):
    assert call(connect(at), "GET", "/containers/json", params={"all": 1}) == []
    assert stat.S_IMODE(at.run_dir.stat().st_mode) == 0o700
    assert sorted(path.suffix for path in at.run_dir.iterdir()) == [".lock", ".sock"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in at.run_dir.iterdir())


def test_nothing_of_the_console_s_environment_reaches_ssh(at, monkeypatch):
    monkeypatch.setenv("CANARY", "secret")
    connect(at)
    (pid,) = forwards(at.run_dir)
    names = {line.partition("=")[0] for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line}
    assert names == {"PATH", "LC_ALL"}


def test_a_killed_ssh_is_started_again_by_the_next_use(at):
    get_json(connect(at), "/version")
    (before,) = forwards(at.run_dir)
    os.kill(before, signal.SIGKILL)
    ssh._running[next(iter(ssh._running))].wait(5)
    assert get_json(connect(at), "/version")["Os"] == "linux"
    (after,) = forwards(at.run_dir)
    assert after != before


def test_many_threads_and_another_process_share_one_ssh(at):
    threads = [threading.Thread(target=lambda: get_json(connect(at), "/version")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    (pid,) = forwards(at.run_dir)
    program = (
        "import sys, pathlib; from engines.client.connect import connect, get_json\n"
        "from engines.client.endpoint import *\n"
        "key, host, directory, k, h = sys.argv[1:]\n"
        "e = Endpoint(key, Address('ssh', host=host, port=22, user='root'), '1.41', pathlib.Path(directory),"
        " ssh=SshMaterial(k, h))\n"
        "print(get_json(connect(e), '/version')['Os'])"
    )
    argv = [sys.executable, "-c", program, at.key, at.address.host, str(at.run_dir), at.ssh.key, at.ssh.host_key]
    assert subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout == "linux\n"
    assert forwards(at.run_dir) == [pid]


def test_ssh_ends_with_the_process_that_started_it(at):
    program = (
        "import sys, pathlib, os, signal; from engines.client.ssh import forward\n"
        "from engines.client.endpoint import *\n"
        "key, host, directory, k, h = sys.argv[1:]\n"
        "forward(Endpoint(key, Address('ssh', host=host, port=22, user='root'), '1.41', pathlib.Path(directory),"
        " ssh=SshMaterial(k, h)))\n"
        "print('up', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, at.key, at.address.host, str(at.run_dir), at.ssh.key, at.ssh.host_key]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        assert len(forwards(at.run_dir)) == 1
        process.kill()
    deadline = time.monotonic() + 5
    while forwards(at.run_dir):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_another_key_of_the_host_than_the_pinned_one_is_refused(at, tmp_path):
    _, other = key_pair(tmp_path / "other")
    assert code_of(replace(at, ssh=replace(at.ssh, host_key=other))) == "ssh-host-key-changed"
    assert code_of(replace(at, ssh=replace(at.ssh, host_key=""))) == "ssh-host-key-unknown"
    assert code_of(replace(at, ssh=replace(at.ssh, host_key="* " + at.ssh.host_key))) == "ssh-host-key-unknown"
    connect(at)


def test_a_key_the_host_does_not_know_is_told(at, tmp_path):
    key, _ = key_pair(tmp_path / "stranger")
    assert code_of(replace(at, ssh=replace(at.ssh, key=key))) == "ssh-key-rejected"
    assert code_of(replace(at, ssh=replace(at.ssh, key="nonsense"))) == "ssh-key-unreadable"
    assert code_of(replace(at, ssh=replace(at.ssh, key=""))) == "ssh-key-missing"


def test_a_key_pasted_with_windows_line_ends_works(at):
    assert get_json(connect(replace(at, ssh=replace(at.ssh, key=at.ssh.key.replace("\n", "\r\n")))), "/version")


def test_nobody_there_and_no_ssh_there_are_told_apart(at):
    def elsewhere(port: int) -> Endpoint:
        return replace(at, address=Address("ssh", host="127.0.0.1", port=port, user="root"))

    assert code_of(elsewhere(free_port())) == "refused"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        assert code_of(elsewhere(listener.getsockname()[1])) == "ssh-closed"
    assert code_of(replace(at, address=replace(at.address, host="nowhere.invalid"))) == "name-unknown"


def test_an_engine_that_is_down_behind_a_working_ssh_is_told(at, ssh_host):
    ssh_host.cell.shell("mv /run/docker.sock /run/away")
    try:
        assert code_of(at) == "ssh-socket"
    finally:
        ssh_host.cell.shell("mv /run/away /run/docker.sock")
    assert get_json(connect(at), "/version")


def test_a_run_dir_with_too_long_a_path_is_told(at):
    with pytest.raises(EngineError, match="too long"):
        connect(replace(at, run_dir=Path("/tmp/" + "d" * 90)))


def test_the_host_s_keys_are_shown_as_ssh_keygen_shows_them(at, tmp_path):
    lines = ssh.scan_host_key(at.address)
    assert lines == [at.ssh.host_key]
    (tmp_path / "key.pub").write_text(lines[0])
    shown = subprocess.run(
        ["ssh-keygen", "-lf", tmp_path / "key.pub"], check=True, capture_output=True, text=True
    ).stdout
    assert shown.split()[1] == ssh.fingerprint(lines[0])
    with pytest.raises(EngineError) as refusal:
        ssh.scan_host_key(Address("ssh", host="127.0.0.1", port=free_port(), user="root"))
    assert refusal.value.code == "refused"
    with pytest.raises(ValueError, match="not an SSH host key"):
        ssh.fingerprint("ssh-ed25519 ???")


def test_a_form_takes_a_private_key_and_says_what_else_is_not_one(tmp_path):
    key, public = key_pair(tmp_path / "key")
    assert ssh.check_key(key.replace("\n", "\r\n") + "\r\n\r\n") == key
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", tmp_path / "key"], check=True, timeout=30)
    for wrong, sentence in (
        (public, "public key"),
        ((tmp_path / "key").read_text(), "passphrase"),
        ("hello", "not a private key"),
        ("x" * 70000, "64 KiB"),
    ):
        with pytest.raises(MaterialInvalid, match=sentence) as refusal:
            ssh.check_key(wrong)
        assert refusal.value.field == "ssh_key"


def test_material_is_not_shown_when_printed():
    assert "secret" not in repr(SshMaterial(key="secret"))


def test_ways_no_longer_used_are_closed_by_whichever_process_and_others_stay(at):
    # The same engine, its key given again with another end, as by an edit; opened by another process.
    edited = replace(at, ssh=replace(at.ssh, key=at.ssh.key + "\n"))
    other = replace(at, key="other")
    for way in (at, other):
        ssh.forward(way)
    script = (
        "import json, signal, sys; from pathlib import Path; from engines.client import ssh;"
        "from engines.client.endpoint import Address, Endpoint, SshMaterial as S;"
        "key, address, directory, material = json.loads(sys.stdin.readline());"
        "print(ssh.forward(Endpoint(key, Address(**address), '', Path(directory), ssh=S(**material))), flush=True);"
        "signal.pause()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        what = [edited.key, asdict(edited.address), str(edited.run_dir), asdict(edited.ssh)]
        child.stdin.write(json.dumps(what).encode() + b"\n")
        child.stdin.close()
        assert child.stdout.readline()
        before = set(forwards(at.run_dir))
        assert len(before) == 3
        ssh.close(at.run_dir, at.key, keep=at)
        wait_until(lambda: len(forwards(at.run_dir)) == 2)
        assert get_json(connect(at), "/version")
        ssh.close(at.run_dir, at.key)
        wait_until(lambda: len(forwards(at.run_dir)) == 1)
        assert get_json(connect(other), "/version")
    finally:
        child.kill()
        child.wait()
