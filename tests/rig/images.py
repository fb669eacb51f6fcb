"""Images made of nothing but Debian's static busybox: no registry is needed."""

import io
import json
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

from engines.client.connect import Client
from engines.client.errors import translated

BASE = "busybox:local"
_FOLDERS = (
    "bin",
    "sbin",
    "usr",
    "usr/bin",
    "usr/sbin",
    "etc",
    "tmp",
    "root",
    "var",
    "dev",
    "proc",
    "sys",
    "home",
    "www",
)
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/os-release": "ID=busybox\nNAME=busybox\n",
}
#: Name -> Dockerfile. SIGKILL as stop signal: a shell as first process ignores SIGTERM, and would cost 10 s each.
SAMPLES = {
    "logger": """FROM busybox:local
STOPSIGNAL SIGKILL
CMD ["sh","-c","i=0; while :; do echo out $i; echo err $i >&2; i=$((i+1)); usleep 100000; done"]
""",
    "web": """FROM busybox:local
STOPSIGNAL SIGKILL
RUN echo hello >/www/index.html
EXPOSE 80
CMD ["httpd","-f","-p","80","-h","/www"]
""",
    "sleeper": """FROM busybox:local
STOPSIGNAL SIGKILL
CMD ["sleep","1000000"]
""",
    "crash": """FROM busybox:local
CMD ["sh","-c","echo boom >&2; exit 3"]
""",
    "unhealthy": """FROM busybox:local
STOPSIGNAL SIGKILL
HEALTHCHECK --interval=1s --timeout=1s --retries=2 CMD test -f /ok
CMD ["sh","-c","touch /ok; sleep 2; rm /ok; sleep 1000000"]
""",
}


def import_base(client: Client) -> None:
    """Give the engine the image BASE, unless it has it. Raises EngineError."""
    with translated(client.timeout):
        if client.images(name=BASE):
            return
        client.import_image_from_data(_root_filesystem(), repository="busybox", tag="local", changes=['CMD ["sh"]'])


def build(client: Client, name: str, dockerfile: str, version: int = 1) -> str:
    """Build `name` from the Dockerfile's text; its id. `version` 2 is BuildKit. Raises EngineError, RuntimeError."""
    body = _archive({"Dockerfile": dockerfile.encode()})
    with (
        translated(60),
        client.post(
            f"{client.prefix}/build",
            params={"t": name, "version": version, "rm": 1, "forcerm": 1},
            data=body,
            headers={"Content-Type": "application/x-tar"},
            timeout=60,
        ) as response,
    ):
        for line in response.content.splitlines():
            message = json.loads(line)
            if "error" in message:
                raise RuntimeError(message["error"])
        return str(client.inspect_image(name)["Id"])


def build_samples(client: Client, *names: str) -> None:
    """Build the named SAMPLES as `<name>:latest`, or all of them. Raises EngineError."""
    import_base(client)
    for name in names or SAMPLES:
        build(client, f"{name}:latest", SAMPLES[name])


@cache
def _root_filesystem() -> bytes:
    busybox = shutil.which("busybox") or "/bin/busybox"
    listed = subprocess.run([busybox, "--list-full"], check=True, capture_output=True, text=True, timeout=30).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in _FOLDERS:
            _add(tar, folder, kind=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        _add(tar, "bin/busybox", Path(busybox).read_bytes(), mode=0o755)
        for name, text in _FILES.items():
            _add(tar, name, text.encode())
        for applet in listed.split():
            if applet != "bin/busybox":
                _add(tar, applet, kind=tarfile.SYMTYPE, link="/bin/busybox")
    return buffer.getvalue()


def _archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            _add(tar, name, content)
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o644,
    link: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
    tar.addfile(entry, io.BytesIO(content))
