"""`make demo` as a person runs it: three engines seen live after logging in, and one Ctrl-C ends all."""

import os
import re
import signal
import subprocess
import sys
import time

from tests.rig.ports import free_port
from tests.stack import ROOT, Browser

SECONDS = 90


def test_the_demo_shows_three_engines_and_ends_with_one_signal(rig, tmp_path):
    port = free_port()
    # What the environment says of a real console must not matter.
    environment = {**os.environ, "PORT": str(port), "DATABASE_URL": "postgres://nowhere/none", "REDIS_URL": "memory://"}
    log = tmp_path / "log"
    with log.open("w") as file:
        demo = subprocess.Popen(
            [sys.executable, "-m", "tests.rig.demo", str(tmp_path / "data")],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until(demo, lambda: "Ctrl-C ends it" in log.read_text(), log)
        password = re.search(r"Log in as admin with the password (\S+)", log.read_text())
        assert password, log.read_text()
        browser = Browser(f"http://127.0.0.1:{port}").login("admin", password[1])
        until(demo, lambda: ">3 up<" in browser.page("/").text, log)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    finally:
        demo.kill()
        demo.wait()
    cells = re.findall(r"unix://(/tmp/\S+?)/e/d\.sock", log.read_text())
    assert cells
    assert not any(os.path.exists(cell) for cell in cells)


def until(demo: subprocess.Popen[bytes], condition, log) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert demo.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
