"""The way through SSH: one `ssh -N -L` per engine and machine, shared by all processes, from a local socket to the
engine's. Its lock and sockets lie in the endpoint's run_dir; keys lie there too, but only until ssh has read them.
"""

import atexit
import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from engines.client.endpoint import Address, Endpoint, MaterialInvalid, SshMaterial
from engines.client.errors import EngineSshError, EngineTimeout, describe, fault

REMOTE_SOCKET = "/var/run/docker.sock"
_UP_SECONDS = 10
_LOCK_SECONDS = 15
_SCAN_SECONDS = 5
_SOCKET_PATH_BYTES = 107
_KEY_CHARACTERS = 1 << 16
_HOST_KEY = re.compile(r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,2000}={0,2}")
_FORWARD = re.compile(rf"\./([^/]{{1,12}}-[0-9a-f]{{12}})\.sock:{re.escape(REMOTE_SOCKET)}")
# Nothing of the console's environment goes to ssh: no agent, no askpass, no secrets.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
_OPTIONS = {
    "BatchMode": "yes",
    "CheckHostIP": "no",
    "ConnectTimeout": "8",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ExitOnForwardFailure": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    # The pinned key belongs to the engine, under whatever name its host is reached.
    "HostKeyAlias": "engine",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "LogLevel": "ERROR",
    "PermitLocalCommand": "no",
    "PreferredAuthentications": "publickey",
    "ServerAliveCountMax": "2",
    "ServerAliveInterval": "5",
    "StreamLocalBindMask": "0177",
    "StreamLocalBindUnlink": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
}
# What ssh says, in the order in which it decides.
_SAYINGS = (
    ("IDENTIFICATION HAS CHANGED", "ssh-host-key-changed"),
    ("host key is known", "ssh-host-key-unknown"),
    ("Host key verification failed", "ssh-host-key-changed"),
    ("Load key", "ssh-key-unreadable"),
    ("Permission denied", "ssh-key-rejected"),
    ("Too many authentication failures", "ssh-key-rejected"),
    ("Connection refused", "refused"),
    ("resolve hostname", "name-unknown"),
    ("No route to host", "no-route"),
    ("unreachable", "no-route"),
)

# The kernel kills ssh when the thread that started it ends, so one thread that lasts starts them all.
_starter = ThreadPoolExecutor(1, thread_name_prefix="ssh-starter")
_running: dict[Path, subprocess.Popen[bytes]] = {}


def forward(endpoint: Endpoint) -> Path:
    """The local socket that leads to the engine's; starts ssh where none runs.

    Blocks up to 25 s; raises EngineError.
    """
    material = endpoint.ssh or SshMaterial()
    if not material.key:
        raise fault("ssh-key-missing")
    if not material.host_key:
        raise fault("ssh-host-key-unknown")
    local = _local_socket(endpoint, material)
    if _accepts(local):
        return local
    endpoint.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(local.with_suffix(".lock")):
        if not _accepts(local):
            _start(endpoint.address, material, local)
    return local


def close_all() -> None:
    """End every ssh this process started."""
    while _running:
        _, process = _running.popitem()
        process.kill()
        process.wait()


def close(run_dir: Path, key: str, keep: Endpoint | None = None) -> None:
    """End the ways to the engine named `key` that any process of the console opened, but the one `keep` uses now."""
    kept = _stem(keep, keep.ssh) if keep and keep.ssh else ""
    for pid, stem in _forwards(run_dir):
        if stem.startswith(f"{key[:12]}-") and stem != kept:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            for suffix in (".sock", ".lock"):
                (run_dir / f"{stem}{suffix}").unlink(missing_ok=True)
    _reap()


def scan_host_key(address: Address) -> list[str]:
    """The keys the host shows now, as `<type> <base64>`, unverified. Blocks about 5 s at most; raises EngineError."""
    # ssh-keyscan says nothing of why it found no key.
    try:
        socket.create_connection((address.host, address.port), _SCAN_SECONDS).close()
    except OSError as error:
        raise describe(error, _SCAN_SECONDS) from error
    argv = [
        "ssh-keyscan",
        "-T",
        str(_SCAN_SECONDS),
        "-p",
        str(address.port),
        "-t",
        "ed25519,ecdsa,rsa",
        "--",
        address.host,
    ]
    try:
        ran = subprocess.run(argv, env=_ENVIRONMENT, capture_output=True, timeout=3 * _SCAN_SECONDS, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise fault("ssh-missing") from error
    except subprocess.TimeoutExpired as error:
        raise _silent(_SCAN_SECONDS) from error
    lines = (line.partition(" ")[2] for line in ran.stdout.decode(errors="replace").splitlines())
    keys = sorted({line for line in lines if _HOST_KEY.fullmatch(line)})
    if not keys:
        raise fault("ssh-closed")
    return keys


def fingerprint(line: str) -> str:
    """`SHA256:…` of a `<type> <base64>` line, as `ssh-keygen -l` prints it. Raises ValueError."""
    if not _HOST_KEY.fullmatch(line):
        raise ValueError("This is not an SSH host key.")
    try:
        blob = base64.b64decode(line.split(" ")[1], validate=True)
    except binascii.Error as error:
        raise ValueError("This is not an SSH host key.") from error
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def check_key(text: str) -> str:
    """The private key in `text` as ssh reads it: its lines ended by a newline. Raises MaterialInvalid for `ssh_key`."""
    key = _clean(text)
    if len(key) > _KEY_CHARACTERS:
        raise MaterialInvalid("ssh_key", "This is larger than 64 KiB: paste the private key alone.")
    if key.startswith(("ssh-", "ecdsa-")):
        raise MaterialInvalid("ssh_key", "This is the public key: paste the private one.")
    load = load_ssh_private_key if "BEGIN OPENSSH" in key else load_pem_private_key
    try:
        load(key.encode(), password=None)
    except TypeError as error:
        raise MaterialInvalid("ssh_key", "This private key has a passphrase: give it without one.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        sentence = "This is not a private key in OpenSSH or PEM format: it starts with -----BEGIN … PRIVATE KEY-----."
        # cryptography tells an encrypted OpenSSH key that is not given a password by a ValueError, too.
        if "assword" in str(error):
            sentence = "This private key has a passphrase: give it without one."
        raise MaterialInvalid("ssh_key", sentence) from error
    return key


def _local_socket(endpoint: Endpoint, material: SshMaterial) -> Path:
    local = endpoint.run_dir / f"{_stem(endpoint, material)}.sock"
    if len(os.fsencode(local)) > _SOCKET_PATH_BYTES:
        advice = "Give the console a data directory with a shorter path (PILOTHOUSE_DATA)."
        raise EngineSshError("The path of the console's own socket for SSH would be too long.", advice=advice)
    return local


def _stem(endpoint: Endpoint, material: SshMaterial) -> str:
    # Named after all that decides where it leads: whoever edits the engine gets a new one.
    what = "\n".join([str(endpoint.address), material.key, material.host_key])
    return f"{endpoint.key[:12]}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def _forwards(run_dir: Path) -> Iterator[tuple[int, str]]:
    """Of every ssh that runs for `run_dir`: its process, and the stem of its files. Asked of the kernel: the processes
    belong to whichever part of the console needed the way first."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        # Others' processes may not be read; ours may end meanwhile.
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() != run_dir.resolve():
                continue
            for word in (process / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                if found := _FORWARD.fullmatch(word):
                    yield int(process.name), found[1]


def _accepts(local: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(local))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _silent(_LOCK_SECONDS) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _start(address: Address, material: SshMaterial, local: Path) -> None:
    _reap()
    key, hosts, said = (local.with_suffix(suffix) for suffix in (".key", ".hosts", ".err"))
    try:
        _write(key, _clean(material.key))
        _write(hosts, _known_hosts(material.host_key))
        _write(said, "")
        process = _starter.submit(_spawn, address, local).result()
        try:
            _wait_until_up(process, local, said)
        except BaseException:
            process.kill()
            process.wait()
            raise
        _running[local] = process
    finally:
        for path in (key, hosts, said):
            path.unlink(missing_ok=True)


def _spawn(address: Address, local: Path) -> subprocess.Popen[bytes]:
    options = [part for name, value in _OPTIONS.items() for part in ("-o", f"{name}={value}")]
    stem = local.stem
    # Relative to run_dir: ssh would expand % and split at blanks in a path.
    argv = [
        *("ssh", "-N", "-T", "-a", "-x", "-F", "none", *options, "-o", f"UserKnownHostsFile=./{stem}.hosts"),
        *("-i", f"./{stem}.key", "-L", f"./{local.name}:{REMOTE_SOCKET}"),
        *("-p", str(address.port), "-l", address.user, "--", address.host),
    ]
    if setpriv := shutil.which("setpriv"):
        argv = [setpriv, "--pdeathsig", "SIGKILL", *argv]
    try:
        with local.with_suffix(".err").open("wb") as said:
            return subprocess.Popen(  # noqa: S603
                argv,
                cwd=local.parent,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
    except FileNotFoundError as error:
        raise fault("ssh-missing") from error


def _wait_until_up(process: subprocess.Popen[bytes], local: Path, said: Path) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _told(said.read_text(errors="replace"), fault("ssh-closed"))
        if _accepts(local):
            return
        time.sleep(0.02)
    raise _told(said.read_text(errors="replace"), _silent(_UP_SECONDS))


def _told(said: str, otherwise: Exception) -> Exception:
    if "timed out" in said:
        return _silent(_UP_SECONDS)
    for saying, code in _SAYINGS:
        if saying in said:
            return fault(code)
    return otherwise


def _silent(seconds: int) -> EngineTimeout:
    return EngineTimeout(f"The host did not answer over SSH within {seconds} s.")


def _known_hosts(host_key: str) -> str:
    lines = [line.strip() for line in host_key.splitlines() if line.strip()]
    # A line of another form could be a marker or a pattern that trusts every host.
    if not all(_HOST_KEY.fullmatch(line) for line in lines):
        raise fault("ssh-host-key-unknown")
    return "".join(f"engine {line}\n" for line in lines)


def _clean(key: str) -> str:
    # Forms send CRLF, which ssh does not read.
    return key.replace("\r\n", "\n").strip() + "\n"


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _reap() -> None:
    for local, process in list(_running.items()):
        if process.poll() is not None:
            _running.pop(local, None)


def _forget() -> None:
    # A forked child has neither the thread nor the children of its parent.
    global _starter
    _starter = ThreadPoolExecutor(1, thread_name_prefix="ssh-starter")
    _running.clear()


atexit.register(close_all)
os.register_at_fork(after_in_child=_forget)
