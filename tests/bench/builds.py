"""P3: the wall time of a build through the console over the docker CLI's, on the same engine and context."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from tests.bench.report import Line, median
from tests.rig.hosts import Host
from tests.stack import Browser

_CASES = {
    "small": "FROM busybox:local\nRUN echo {n}\n",
    "2,000 lines": 'FROM busybox:local\nRUN i=0; while [ $i -lt 2000 ]; do echo "line {n} $i"; i=$((i+1)); done\n',
    "100 cached steps": "FROM busybox:local\n" + "".join(f"ENV S{i}={i}\nRUN true {i}\n" for i in range(50)),
    "200 MB context": "FROM busybox:local\nCOPY big /big\nRUN echo {n}\n",
}
_RUNS = 3


def measure(browser: Browser, host: Host, slug: str) -> list[Line]:
    """One line per case; empty without a docker CLI that can build on this engine."""
    cli = next((path for path in ("/usr/bin/docker", shutil.which("docker")) if path and Path(path).exists()), None)
    if cli is None:
        return []
    lines = []
    for name, text in _CASES.items():
        with tempfile.TemporaryDirectory() as directory:
            folder = Path(directory)
            ours, theirs = [], []
            for run in range(_RUNS):
                _prepare(folder, text, f"a{run}")
                theirs.append(_cli(cli, host, folder))
                _prepare(folder, text, f"b{run}")
                ours.append(_console(browser, slug, folder))
            ratio = median(ours) / median(theirs)
            figure = f"console {median(ours):.2f} s, docker CLI {median(theirs):.2f} s"
            lines.append(Line("P3", f"build, {name}: wall time over the docker CLI's", figure, ratio, 1.05))
    return lines


def _prepare(folder: Path, text: str, mark: str) -> None:
    """The same work for both, and new for each: the CLI sends only what changed since its last build."""
    (folder / "Dockerfile").write_text(text.replace("{n}", mark))
    if "COPY big" in text:
        (folder / "big").write_bytes(os.urandom(200 << 20))


def _cli(cli: str, host: Host, folder: Path) -> float:
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{host.engine.socket}", "DOCKER_BUILDKIT": "1"}
    began = time.monotonic()
    command = [cli, "build", "-q", str(folder)]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return time.monotonic() - began


def _console(browser: Browser, slug: str, folder: Path) -> float:
    form = f"/engines/{slug}/images/build/"
    began = time.monotonic()
    if (folder / "big").exists():
        # Packing is the CLI's work as well, so it counts for both.
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w") as archive:
            archive.add(folder, arcname=".")
        body.seek(0)
        reply = browser.submit(form, files={"context": ("context.tar", body)}, allow_redirects=False)
    else:
        reply = browser.submit(form, {"dockerfile": (folder / "Dockerfile").read_text()}, allow_redirects=False)
    assert reply.status_code == 302, reply.text[-2000:]
    finished_at = began
    while True:
        page = browser.page(reply.headers["Location"], headers={"HX-Request": "true"})
        finished_at = time.monotonic()
        if ">succeeded<" in page.text:
            return finished_at - began
        assert ">failed<" not in page.text, page.text
        time.sleep(0.02)
