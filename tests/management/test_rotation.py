"""A rotation as an operator runs it, in a process of its own: killed half way, and beside a console that is in use."""

import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ROOT, Stack, form_of, running

ROWS = 4000
FILL = f"""
import uuid
from engines.models import Engine
engines = [Engine(name=f"E{{n}}", slug=f"e{{n}}", url="tcp://e:2376") for n in range({ROWS})]
for engine in engines:
    engine.tls_key = f"canary-{{engine.name}}"
Engine.objects.bulk_create(engines)
"""
CHECK = """
from engines.models import Engine
print(all(engine.tls_key == f"canary-{engine.name}" for engine in Engine.objects.all()))
"""


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The data of a console that does not run, with many stored secrets."""
    with tempfile.TemporaryDirectory(prefix="pilothouse-") as directory:
        stack = Stack(Path(directory))
        stack.manage("prepare")
        stack.manage(script=FILL)
        yield stack


def rows(stack: Stack) -> list[str]:
    with sqlite3.connect(f"file:{stack.data}/pilothouse.sqlite3?mode=ro", uri=True) as database:
        return [sealed for (sealed,) in database.execute("SELECT tls_key_sealed FROM engines_engine ORDER BY id")]


def keys(stack: Stack) -> list[str]:
    return sorted(path.name for path in (stack.data / "keys").glob("secrets*"))


def test_a_rotation_that_is_killed_half_way_loses_nothing_and_is_finished_by_the_next(stack):
    before = rows(stack)
    rotation = subprocess.Popen(
        [sys.executable, "manage.py", "secrets", "rotate", "--wait", "0"], cwd=ROOT, env=stack.environment
    )
    deadline = time.monotonic() + 30
    while rows(stack)[0] == before[0]:
        assert time.monotonic() < deadline and rotation.poll() is None
    rotation.kill()
    rotation.wait()
    half = rows(stack)
    assert sum(old != new for old, new in zip(before, half, strict=True)) in range(1, ROWS)
    assert keys(stack) == ["secrets.key", "secrets.old.key"]
    assert stack.manage(script=CHECK).strip() == "True"
    assert re.search(rf"open: {ROWS}\.\nOf these under the old key: \d+\.", stack.manage("secrets", "verify"))

    stack.manage("secrets", "rotate", "--wait", "0")
    after = rows(stack)
    # What the killed one had sealed anew is left alone.
    assert [new for old, new in zip(before, half, strict=True) if old != new] == [
        final for old, new, final in zip(before, half, after, strict=True) if old != new
    ]
    assert keys(stack) == ["secrets.key"]
    assert stack.manage(script=CHECK).strip() == "True"
    assert stack.manage("secrets", "verify") == f"Stored secrets that open: {ROWS}.\n"


def test_a_running_console_follows_a_rotation_and_what_is_saved_meanwhile_is_kept(tls_engine):
    with running() as stack:
        browser = stack.browser().login()
        stack.register(tls_engine, "Real", "real")
        assert browser.page("/engines/real/containers/").status_code == 200
        rotation = subprocess.Popen(
            [sys.executable, "manage.py", "secrets", "rotate", "--wait", "3"],
            cwd=ROOT,
            env=stack.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        saved = 0
        while rotation.poll() is None:
            reply = browser.submit(
                "/engines/real/edit/", form_of(tls_engine, f"Real {saved}", "real"), allow_redirects=False
            )
            assert reply.status_code == 302, reply.text[-2000:]
            saved += 1
        assert rotation.returncode == 0
        assert saved > 1
        assert keys(stack) == ["secrets.key"]
        assert stack.manage("secrets", "verify") == "Stored secrets that open: 1.\n"
        # The web process opens it, and so does the watcher, which follows the engine anew after each change.
        assert browser.page("/engines/real/containers/").status_code == 200
        assert "cannot be read" not in stack.log.read_text()
