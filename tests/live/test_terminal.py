"""Terminals on real engines: nothing is lost, doubled or mixed up, and none outlives the right to it."""

import asyncio
import hashlib
import json
import re
import threading
import time
from contextlib import asynccontextmanager

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.live import gate
from engines.models import AuditEntry, Engine, EngineLimits, Grant, Recording
from engines.permissions import Role
from engines.terminals import actions, session
from tests.live.conftest import Socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


class Terminal:
    """The browser's side of a terminal: what it was shown, told, and may still send."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.shown = b""
        self.started: dict = {}
        self.told: list[dict] = []
        self.code: int | None = None
        #: Whether it says how much it has seen.
        self.reads = True
        self.sent = self.taken = 0

    async def say(self, **message) -> None:
        await self.socket.say(json.dumps(message))

    async def start(self, **asked) -> "Terminal":
        await self.say(**{"type": "start", "mode": "exec", "shell": "/bin/sh", "cols": 80, "rows": 24, **asked})
        await self.until(lambda: self.started or self.code is not None)
        return self

    async def type(self, data: bytes) -> None:
        """Send pieces as fast as they are taken."""
        for at in range(0, len(data), 32 << 10):
            piece = data[at : at + (32 << 10)]
            await self.until(lambda: self.sent - self.taken <= 224 << 10)
            await self.socket.send_input({"type": "websocket.receive", "bytes": piece})
            self.sent += len(piece)

    async def step(self, seconds: float = 10) -> None:
        """Take the next message."""
        message = await self.socket.receive_output(timeout=seconds)
        if message["type"] == "websocket.close":
            self.code = message.get("code", 1000)
        elif message.get("bytes") is not None:
            self.shown += message["bytes"]
            if self.reads:
                await self.say(type="seen", bytes=self.started["from"] + len(self.shown))
        else:
            frame = json.loads(message["text"])
            self.told.append(frame)
            if frame["type"] == "started":
                self.started = frame
            if frame["type"] == "taken":
                self.taken = frame["bytes"]

    async def until(self, holds, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.code is None, (self.code, self.told, self.shown[-300:])
            await self.step(max(0.01, deadline - time.monotonic()))

    async def sees(self, pattern: bytes, seconds: float = 20) -> re.Match:
        """Until what is shown matches."""
        await self.until(lambda: re.search(pattern, self.shown), seconds)
        return re.search(pattern, self.shown)

    async def closed(self, seconds: float = 20) -> int:
        await self.until(lambda: self.code is not None, seconds)
        return self.code

    @property
    def ending(self) -> dict:
        return next(frame for frame in self.told if frame["type"] == "ended")


@pytest.fixture(autouse=True)
def none_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test left open ended with its event loop."""
    monkeypatch.setattr(session, "_open", {})


@pytest.fixture
def browser(enter) -> Client:
    return enter("operator")


@pytest.fixture
def open_terminal(dial):
    @asynccontextmanager
    async def dialled(container: str, browser: Client, slug: str = "real"):
        async with dial(f"/ws/engines/{slug}/containers/{container}/terminal/", browser=browser) as socket:
            yield Terminal(socket)

    return dialled


@pytest.fixture
def processes(unix_engine):
    """What runs in a container, as command lines."""
    client = connect(unix_engine)

    async def listed(container: str) -> list[str]:
        try:
            return [
                row[-1]
                for row in (await asyncio.to_thread(call, client, "GET", f"/containers/{container}/top"))["Processes"]
            ]
        except EngineReplied:
            return []

    return listed


async def gone(processes, container: str, word: str, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while any(word in line for line in await processes(container)):
        assert time.monotonic() < deadline, await processes(container)
        await asyncio.sleep(0.05)


@database_sync_to_async
def outcomes(container: str) -> list[AuditEntry]:
    found = AuditEntry.objects.filter(subject=container, act="container.exec", phase="OUTCOME")
    return list(found.order_by("seq"))


@database_sync_to_async
def intents(container: str) -> int:
    return AuditEntry.objects.filter(subject=container, act="container.exec", phase="INTENT").count()


async def outcome(container: str) -> AuditEntry:
    deadline = time.monotonic() + 10
    while not (found := await outcomes(container)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return found[-1]


async def test_what_is_typed_runs_and_what_it_shows_comes_back(open_terminal, make, browser):
    container = make("shell-one")
    async with open_terminal(container, browser) as terminal:
        await terminal.start(cols=101, rows=33)
        # The size comes a moment after the shell.
        await terminal.type(b"until stty size | grep '33 101'; do sleep 0.1; done; id -u; echo $((20 + 3))-${TERM}\n")
        await terminal.sees(rb"33 101\r\n0\r\n23-xterm-256color")
        await terminal.say(type="resize", cols=60, rows=20)
        await terminal.type(b"until stty size | grep '20 60'; do sleep 0.1; done\n")
        await terminal.sees(rb"20 60\r\n")
        await terminal.type(b"exit 7\n")
        assert await terminal.closed() == 1000
        assert terminal.ending["exit_code"] == 7
    entry = await outcome(container)
    assert entry.outcome == "SUCCEEDED" and "exit code 7" in entry.sentence
    assert entry.parameters == {"command": "/bin/sh"}
    assert [request["path"].split("/", 2)[2] for request in entry.requests] == [
        f"containers/{container}/exec",
        "exec/…/start",
        "exec/…/json",
    ]


async def test_a_command_that_ends_at_once_shows_its_output_and_its_code(open_terminal, make, browser):
    container = make("short-one")
    async with open_terminal(container, browser) as terminal:
        await terminal.start(shell="own", command="sh -c 'echo shown; exit 7'")
        assert await terminal.closed() == 1000
        assert terminal.shown == b"shown\r\n" and terminal.ending["exit_code"] == 7


async def test_a_command_that_is_not_there_says_so(open_terminal, make, browser):
    async with open_terminal(make("nothing-there"), browser) as terminal:
        await terminal.start(shell="own", command="/no/such/program")
        assert await terminal.closed() == 1000
        said = terminal.shown.decode() + json.dumps(terminal.told)
        assert "no such file" in said
        assert terminal.told[-1].get("exit_code") in {126, 127} or terminal.told[-1]["type"] == "refused"


async def test_user_and_folder_are_those_asked_for(open_terminal, make, browser):
    async with open_terminal(make("other-user"), browser) as terminal:
        await terminal.start(shell="own", command="sh -c 'id -u; id -g; pwd'", user="1234:99", folder="/tmp")
        await terminal.closed()
        assert terminal.shown.split() == [b"1234", b"99", b"/tmp"]


async def test_out_and_err_of_a_command_without_a_terminal_both_come(open_terminal, make, browser):
    async with open_terminal(make("no-tty"), browser) as terminal:
        await terminal.start(shell="own", command="sh -c 'echo out; echo err >&2; read x; echo got $x'", tty=False)
        await terminal.type(b"typed\n")
        await terminal.closed()
        assert sorted(terminal.shown.split(b"\n")) == sorted([b"out", b"err", b"got typed", b""])


async def test_a_paste_of_one_mebibyte_arrives_intact(open_terminal, make, browser):
    data = b"".join(hashlib.sha256(str(n).encode()).hexdigest().encode()[:63] + b"\n" for n in range(1 << 14))
    assert len(data) == 1 << 20
    async with open_terminal(make("pasted"), browser) as terminal:
        await terminal.start()
        await terminal.type(b"stty -echo; echo re''ady; head -c 1048576 | md5sum\n")
        await terminal.sees(rb"ready")
        await terminal.type(data)
        await terminal.sees(hashlib.md5(data).hexdigest().encode(), 60)


async def test_characters_cut_in_the_middle_arrive_whole(open_terminal, make, browser):
    text = "grüße 你好 🚢"
    async with open_terminal(make("letters"), browser) as terminal:
        await terminal.start(shell="own", command="sh -c 'stty -echo; echo on; read x; echo \"<$x>\"'")
        await terminal.sees(rb"on\r\n")
        for byte in text.encode() + b"\n":
            await terminal.type(bytes([byte]))
        assert (await terminal.sees(rb"<(.*)>"))[1].decode() == text


async def test_a_flood_is_stopped_by_ctrl_c_within_a_second_and_nothing_grows(open_terminal, make, browser):
    async with open_terminal(make("flooding"), browser) as terminal:
        await terminal.start()
        await terminal.type(b"yes\n")
        await terminal.until(lambda: len(terminal.shown) > 1 << 20)
        terminal.reads = False
        while not await terminal.socket.receive_nothing(timeout=0.5):
            await terminal.step()
        held = next(iter(session._open.values()))
        assert held.shown - held.seen <= session.UNSEEN_BYTES + (32 << 10)
        assert len(held._kept) <= session.KEPT_BYTES + (32 << 10)
        terminal.reads = True
        began = time.monotonic()
        await terminal.type(b"\x03echo stop''ped\n")
        await terminal.say(type="seen", bytes=len(terminal.shown))
        await terminal.sees(rb"stopped\r\n")
        assert time.monotonic() - began < 1


async def test_a_browser_that_does_not_read_is_closed_and_may_come_back(open_terminal, make, browser, monkeypatch):
    monkeypatch.setattr(session, "STALLED_SECONDS", 0.5)
    container = make("stalled")
    async with open_terminal(container, browser) as first:
        await first.start()
        first.reads = False
        await first.type(b"stty -echo; seq 1 60000; echo do''ne\n")
        assert await first.closed() == gate.TOO_MUCH
        async with open_terminal(container, browser) as second:
            await second.say(type="resume", session=first.started["session"], seen=len(first.shown), cols=80, rows=24)
            await second.sees(rb"done\r\n")
            numbers = re.findall(rb"^(\d+)\r$", first.shown + second.shown, re.M)
            assert [int(number) for number in numbers] == list(range(1, 60001))


async def test_more_typed_than_asked_for_closes_the_socket_and_ends_the_shell(open_terminal, make, browser, processes):
    container = make("stuffed")
    async with open_terminal(container, browser) as terminal:
        # Not a terminal's input, of which the kernel drops what nobody reads: then all of it is taken.
        await terminal.start(shell="own", command="sleep 4321", tty=False)
        for _ in range(100):
            await terminal.socket.send_input({"type": "websocket.receive", "bytes": b"x" * (32 << 10)})
        assert await terminal.closed() == gate.UNASKED
    await gone(processes, container, "sleep 4321")


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"type":"what"}',
        '{"type":"resize","cols":0,"rows":1}',
        '{"type":"resize","cols":true,"rows":"9"}',
        '{"type":"seen","bytes":99999999}',
        '{"type":"start","mode":"exec"}',
        '{"type":"resize","exec":"abc"}',
    ],
)
async def test_no_other_message_is_taken(open_terminal, make, browser, text):
    async with open_terminal(make("strict"), browser) as terminal:
        await terminal.start()
        await terminal.socket.say(text)
        assert await terminal.closed() == gate.UNASKED


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"shell": "own", "command": ""}, "command"),
        ({"shell": "own", "command": "sh 'open"}, "command"),
        ({"shell": "own", "command": ["sh"]}, "command"),
        ({"shell": "own", "command": "x" * 5000}, "command"),
        ({"user": "root;id"}, "user"),
        ({"user": ["root"]}, "user"),
        ({"folder": "tmp"}, "folder"),
        ({"folder": "/a\0b"}, "folder"),
        ({"cols": 100000}, "size"),
    ],
)
async def test_what_cannot_be_asked_is_told_at_its_field(open_terminal, make, browser, asked, field):
    async with open_terminal(make("picky"), browser) as terminal:
        await terminal.start(**asked)
        assert terminal.told[-1]["type"] == "refused" and terminal.told[-1]["field"] == field
        assert await terminal.closed() == 1000
    assert not session._open


async def test_a_lost_connection_comes_back_without_loss_or_double(open_terminal, make, browser):
    container = make("returning")
    script = "i=0; while [ $i -lt 30000 ]; do echo line-$i; i=$((i+1)); done; echo re''ady; read x; echo got $x"
    async with open_terminal(container, browser) as first:
        await first.start()
        await first.type(f"stty -echo; {script}\n".encode())
        await first.until(lambda: len(first.shown) > 100_000)
        key = first.started["session"]
    # The browser had not read all that was on its way to it.
    got = first.shown[:90_000]
    async with open_terminal(container, browser) as second:
        await second.say(type="resume", session=key, seen=len(got), cols=80, rows=24)
        await second.until(lambda: second.started)
        assert second.started["from"] == len(got) and second.started["accepted"] == first.sent
        await second.sees(rb"ready")
        await second.type(b"back\n")
        await second.sees(rb"got back")
    lines = [int(n) for n in re.findall(rb"line-(\d+)\r", got + second.shown)]
    assert lines == list(range(30000))


async def test_one_that_is_shown_elsewhere_is_shown_there_alone(open_terminal, make, browser):
    container = make("two-tabs")
    async with open_terminal(container, browser) as first:
        await first.start()
        await first.type(b"echo be''fore\n")
        await first.sees(rb"before")
        async with open_terminal(container, browser) as second:
            await second.say(type="resume", session=first.started["session"], cols=80, rows=24)
            await second.sees(rb"before")
            assert await first.closed() == 1000 and first.ending["reason"] == "elsewhere"
            await second.type(b"echo af''ter\n")
            await second.sees(rb"after")


async def test_a_terminal_belongs_to_its_person_login_and_container(open_terminal, make, enter, browser, row):
    container, other = make("mine"), make("other-one")

    @database_sync_to_async
    def second_login() -> Client:
        client = Client()
        client.force_login(User.objects.get(username="operator"), backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    manager, again = await database_sync_to_async(enter)("manager"), await second_login()
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        key = terminal.started["session"]
        for who, where in ((manager, container), (again, container), (browser, other)):
            async with open_terminal(where, who) as thief:
                await thief.say(type="resume", session=key, seen=0, cols=80, rows=24)
                assert await thief.closed() == 1000
                assert thief.told[-1] == {"type": "refused", "field": "session", "sentence": "That terminal has ended."}
        await terminal.type(b"echo st''ill mine\n")
        await terminal.sees(rb"still mine")


async def test_it_ends_at_logout(open_terminal, make, browser, processes):
    container = make("logged-out")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await terminal.type(b"trap '' HUP; sleep 5555 & sleep 6666\n")
        await terminal.until(lambda: terminal.taken == terminal.sent)
        await database_sync_to_async(browser.logout)()
        assert await terminal.closed() == gate.LOG_IN
    await gone(processes, container, "sleep 5555")
    await gone(processes, container, "sleep 6666")
    assert "logged out" in (await outcome(container)).sentence


async def test_it_ends_with_the_role_and_takes_no_more(open_terminal, make, browser, processes, row):
    container = make("demoted")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await database_sync_to_async(Grant.objects.filter(engine=row).update)(role=Role.VIEWER)
        await terminal.type(b"echo en''tered >/tmp/after\n")
        assert await terminal.closed() == gate.FORBIDDEN
        assert b"entered" not in terminal.shown
    await gone(processes, container, "/bin/sh")


async def test_one_that_nobody_looks_at_ends_with_its_person_s_login(
    open_terminal, make, browser, processes, monkeypatch
):
    monkeypatch.setattr(session, "RECHECK_SECONDS", 0)
    container = make("alone")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
    await database_sync_to_async(browser.logout)()
    await gone(processes, container, "/bin/sh")


async def test_one_that_nobody_comes_back_to_ends(open_terminal, make, browser, processes, monkeypatch):
    monkeypatch.setattr(session, "AWAY_SECONDS", 0.5)
    container = make("abandoned")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
    await gone(processes, container, "/bin/sh")
    assert (await outcome(container)).outcome == "SUCCEEDED"


async def test_none_outlives_the_console(open_terminal, make, browser, processes):
    container = make("outlived")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await session.end_all()
        assert await terminal.closed() == 1000
        assert terminal.ending["reason"] == "stopped"
    assert await processes(container) == ["sleep 1000000"]
    assert "The console ended" in (await outcome(container)).sentence


async def test_it_warns_before_it_ends_for_idleness_and_typing_keeps_it(
    open_terminal, make, browser, processes, settings
):
    settings.TERMINAL_IDLE_SECONDS = 3
    container = make("idle")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await terminal.until(lambda: any(frame["type"] == "idle" for frame in terminal.told))
        assert terminal.told[-1]["seconds_left"] in {1, 2}
        await terminal.type(b"\n")
        await terminal.until(lambda: terminal.told[-1] == {"type": "idle", "seconds_left": None})
        assert await terminal.closed() == 4408
        assert terminal.ending["reason"] == "idle"
    await gone(processes, container, "/bin/sh")


async def test_a_container_that_is_removed_ends_it(open_terminal, make, browser, unix_engine):
    container = make("removed")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await asyncio.to_thread(call, connect(unix_engine), "DELETE", f"/containers/{container}", params={"force": "1"})
        await terminal.closed()
        assert terminal.ending["reason"] in {"gone", "exited"}


async def test_an_engine_that_is_started_anew_ends_it(open_terminal, register, fresh_host, cast):
    engine = await database_sync_to_async(register)(fresh_host.endpoint, "anew")
    client, browser = connect(fresh_host.endpoint), Client()
    body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"], "StopSignal": "SIGKILL"}
    made = call(client, "POST", "/containers/create", params={"name": "interrupted"}, body=body)["Id"]
    call(client, "POST", f"/containers/{made}/start")
    await database_sync_to_async(Grant.objects.create)(engine=engine, user=cast["operator"], role=Role.OPERATOR)
    await database_sync_to_async(browser.force_login)(cast["operator"], backend=settings.AUTHENTICATION_BACKENDS[0])
    async with open_terminal(made, browser, "anew") as terminal:
        await terminal.start()
        await asyncio.to_thread(fresh_host.engine.restart)
        assert await terminal.closed() in {1000, 4502}
        assert terminal.ending["reason"] in {"gone", "lost", "exited"}
        assert terminal.ending["sentence"]


async def test_a_container_that_does_not_run_is_told(open_terminal, make, browser, unix_engine):
    container = make("asleep", StopSignal="SIGKILL")
    await asyncio.to_thread(call, connect(unix_engine), "POST", f"/containers/{container}/stop")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        assert terminal.told[-1]["type"] == "refused" and "is not running" in terminal.told[-1]["sentence"]
    assert (await outcome(container)).outcome == "FAILED"


async def test_of_one_person_only_so_many_are_open(open_terminal, make, browser, monkeypatch):
    monkeypatch.setattr(session, "MOST", 1)
    container = make("many")
    async with open_terminal(container, browser) as first, open_terminal(container, browser) as second:
        await first.start()
        await second.start()
        assert "You have 1 terminals open" in second.told[-1]["sentence"]
        await first.type(b"exit\n")
        await first.closed()
    await outcome(container)
    # Of the second nothing was begun.
    assert await intents(container) == 1


async def test_one_whose_browser_goes_while_it_is_opened_is_written_down_and_leaves_nothing(
    open_terminal, make, browser, row, settings, tmp_path, monkeypatch
):
    settings.RECORDINGS_DIR = tmp_path
    await database_sync_to_async(EngineLimits.objects.create)(engine=row, record_terminals=True)
    begun, gone_away, opened = threading.Event(), threading.Event(), actions.opened

    def slow(*args, **kwargs):
        begun.set()
        assert gone_away.wait(10)
        return opened(*args, **kwargs)

    monkeypatch.setattr(actions, "opened", slow)
    container = make("never-seen")
    async with open_terminal(container, browser) as terminal:
        await terminal.say(type="start", mode="exec", shell="/bin/sh", cols=80, rows=24)
        assert await asyncio.to_thread(begun.wait, 10)
    gone_away.set()
    entry = await outcome(container)
    assert entry.outcome == "FAILED" and "before it was open" in entry.sentence
    assert not await database_sync_to_async(Recording.objects.exists)()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "code"), [("viewer", gate.FORBIDDEN), ("stranger", gate.NO_SUCH_THING)])
async def test_who_may_not_exec_gets_none(open_terminal, make, enter, name, code):
    weak = await database_sync_to_async(enter)(name)
    async with open_terminal(make("closed-to-you"), weak) as terminal:
        assert await terminal.closed() == code


async def test_a_container_that_reaches_its_host_is_for_managers_alone(open_terminal, make, enter, browser):
    container = make("mighty", HostConfig={"PidMode": "host"})
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        assert terminal.told[-1]["type"] == "refused" and await terminal.closed() == gate.FORBIDDEN
    manager = await database_sync_to_async(enter)("manager")
    async with open_terminal(container, manager) as terminal:
        await terminal.start()
        assert terminal.started["command"] == "/bin/sh"
        await terminal.type(b"exit\n")
        await terminal.closed()


async def test_a_terminal_in_one_that_reaches_its_host_ends_with_the_right_to_that(
    open_terminal, make, enter, row, processes
):
    container = make("mighty-too", HostConfig={"PidMode": "host"})
    manager = await database_sync_to_async(enter)("manager")
    async with open_terminal(container, manager) as terminal:
        await terminal.start()
        await database_sync_to_async(Grant.objects.filter(engine=row).update)(role=Role.OPERATOR)
        assert await terminal.closed() == gate.FORBIDDEN
    await gone(processes, container, "/bin/sh")


@pytest.mark.parametrize("change", ["limits", "disabled"])
async def test_it_ends_when_the_limits_close_its_container_or_the_engine_is_disabled(
    open_terminal, make, browser, row, processes, change
):
    container = make(f"closed-{change}", HostConfig={"Binds": ["/opt:/host:ro"]})
    limits = await database_sync_to_async(EngineLimits.objects.create)(engine=row, host_paths=["/opt"])
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        if change == "limits":
            await database_sync_to_async(limits.delete)()
        else:
            await database_sync_to_async(Engine.objects.update)(enabled=False)
        assert await terminal.closed() == (gate.FORBIDDEN if change == "limits" else gate.DISABLED)
    await gone(processes, container, "/bin/sh")


async def test_nobody_comes_back_to_one_that_reaches_its_host_without_the_right_to_that(
    open_terminal, make, enter, row, monkeypatch
):
    monkeypatch.setattr(session, "RECHECK_SECONDS", 1000)
    monkeypatch.setattr(gate, "RECHECK_SECONDS", 1000)
    container = make("mighty-away", HostConfig={"PidMode": "host"})
    manager = await database_sync_to_async(enter)("manager")
    async with open_terminal(container, manager) as first:
        await first.start()
    await database_sync_to_async(Grant.objects.filter(engine=row).update)(role=Role.OPERATOR)
    async with open_terminal(container, manager) as second:
        await second.say(type="resume", session=first.started["session"], seen=0, cols=80, rows=24)
        assert await second.closed() == gate.FORBIDDEN
        assert not second.shown and not second.started


async def test_attached_to_the_first_process_one_types_to_it_and_leaving_leaves_it(
    open_terminal, make, browser, processes
):
    container = make("attached", Tty=True, OpenStdin=True, Cmd=["sh"])
    async with open_terminal(container, browser) as terminal:
        await terminal.start(mode="attach", cols=90, rows=30)
        assert terminal.started["tty"] and terminal.started["reads"]
        await terminal.type(b"echo at''tached; until stty size | grep '30 90'; do sleep 0.1; done\n")
        await terminal.sees(rb"attached\r\n30 90")
        await terminal.say(type="end")
        assert await terminal.closed() == 1000
    assert await processes(container) == ["sh"]


async def test_the_end_of_the_first_process_is_told_with_its_code(open_terminal, make, browser):
    container = make("attached-ends", Tty=True, OpenStdin=True, Cmd=["sh"])
    async with open_terminal(container, browser) as terminal:
        await terminal.start(mode="attach")
        await terminal.type(b"exit 5\n")
        assert await terminal.closed() == 1000
        assert terminal.ending["exit_code"] == 5


async def test_what_is_recorded_is_what_was_shown_and_never_what_was_typed(
    open_terminal, make, browser, row, settings, tmp_path
):
    settings.RECORDINGS_DIR = tmp_path
    await database_sync_to_async(EngineLimits.objects.create)(engine=row, record_terminals=True)
    container = make("recorded")
    async with open_terminal(container, browser) as terminal:
        await terminal.start(cols=70, rows=21)
        assert terminal.started["recorded"]
        await terminal.type(b"stty -echo; echo on\n")
        await terminal.sees(rb"\non\r\n")
        await terminal.type(b"read secret\n")
        await terminal.type(b"hunter2-hunter2\n")
        await terminal.say(type="resize", cols=50, rows=11)
        await terminal.type(b"while [ \"$(stty size)\" != '11 50' ]; do sleep 0.05; done; echo resized\n")
        await terminal.sees(rb"resized\r\n")
        await terminal.type("echo grüße; exit\n".encode())
        await terminal.closed()
    entry = await outcome(container)
    kept = await database_sync_to_async(Recording.objects.get)()
    file = tmp_path / f"{kept.pk}.cast"
    assert file.stat().st_mode & 0o777 == 0o600
    head, *events = [json.loads(line) for line in file.read_text().splitlines()]
    assert (head["version"], head["width"], head["height"]) == (2, 70, 21)
    assert "".join(text for _, kind, text in events if kind == "o") == terminal.shown.decode()
    assert "50x11" in [text for _, kind, text in events if kind == "r"]
    assert [at for at, *_ in events] == sorted(at for at, *_ in events)
    assert "hunter2" not in file.read_text()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert kept.digest == digest and digest in entry.sentence
    assert entry.parameters["recording"] == str(kept.pk)
    assert kept.size_bytes == file.stat().st_size


async def test_a_recording_that_cannot_be_written_opens_no_terminal(
    open_terminal, make, browser, row, settings, tmp_path
):
    settings.RECORDINGS_DIR = tmp_path / "missing"
    await database_sync_to_async(EngineLimits.objects.create)(engine=row, record_terminals=True)
    container = make("unrecorded")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        assert "cannot be written" in terminal.told[-1]["sentence"]
    assert (await outcome(container)).outcome == "FAILED"
    assert not await database_sync_to_async(Recording.objects.exists)()


async def test_a_recording_that_is_full_ends_its_terminal(
    open_terminal, make, browser, row, settings, tmp_path, monkeypatch, processes
):
    settings.RECORDINGS_DIR = tmp_path
    monkeypatch.setattr("engines.terminals.cast.MOST_BYTES", 100_000)
    await database_sync_to_async(EngineLimits.objects.create)(engine=row, record_terminals=True)
    container = make("long-record")
    async with open_terminal(container, browser) as terminal:
        await terminal.start()
        await terminal.type(b"yes\n")
        await terminal.closed()
        assert terminal.ending["reason"] == "full"
    await gone(processes, container, "yes")


async def test_over_tls_and_ssh_alike(open_terminal, register, tls_engine, ssh_engine, cast):
    for number, endpoint in enumerate((tls_engine, ssh_engine)):
        slug = f"far-{number}"
        engine = await database_sync_to_async(register)(endpoint, slug)
        client = connect(endpoint)
        body = {"Image": "busybox:local", "Cmd": ["sleep", "1000000"]}
        made = call(client, "POST", "/containers/create", params={"name": f"far-shell-{number}"}, body=body)["Id"]
        try:
            call(client, "POST", f"/containers/{made}/start")
            browser = Client()
            await database_sync_to_async(Grant.objects.create)(engine=engine, user=cast["operator"], role=Role.OPERATOR)
            await database_sync_to_async(browser.force_login)(
                cast["operator"], backend=settings.AUTHENTICATION_BACKENDS[0]
            )
            data = b"0123456789abcdef" * (1 << 12) + b"\n"
            async with open_terminal(made, browser, slug) as terminal:
                await terminal.start(cols=77, rows=22)
                # The size comes a moment after the shell.
                await terminal.type(
                    b"until stty size | grep '22 77'; do sleep 0.1; done; stty raw -echo; echo re''ady;"
                    b" head -c 65537 | md5sum; exit 3\n"
                )
                await terminal.sees(rb"22 77\r\n")
                await terminal.sees(rb"ready")
                await terminal.type(data)
                await terminal.sees(hashlib.md5(data).hexdigest().encode())
                assert await terminal.closed() == 1000
                assert terminal.ending["exit_code"] == 3
        finally:
            call(client, "DELETE", f"/containers/{made}", params={"force": "1"})
