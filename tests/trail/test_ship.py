"""Shipping: every entry, in order, whatever the place outside does meanwhile."""

import json
import logging
import os
import re
import socket
import socketserver
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.models import AuditEntry, AuditSink
from engines.trail import ship
from engines.trail import write as trail

pytestmark = pytest.mark.django_db
MESSAGE = re.compile(rb"<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ pilothouse \d+ audit - (\{.*\})", re.DOTALL)


@pytest.fixture
def write(cast) -> Callable[[int], None]:
    def many(count: int) -> None:
        for number in range(count):
            trail.note("logout", by=cast["viewer"], subject=f"line {number}\nnext")

    return many


@pytest.fixture
def file(settings, tmp_path) -> Path:
    settings.AUDIT_FILE = str(tmp_path / "audit.jsonl")
    return tmp_path / "audit.jsonl"


def numbers(file: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in file.read_text().splitlines()]


def sink(kind: str) -> AuditSink:
    return AuditSink.objects.get(kind=kind)


def test_nothing_is_shipped_where_no_place_is_set(write):
    write(1)
    ship.ship()
    assert not AuditSink.objects.exists()


def test_every_entry_is_a_line_of_a_file_for_our_user_alone(write, file):
    write(3)
    ship.ship()
    write(2)
    ship.ship()
    ship.ship()
    assert numbers(file) == [1, 2, 3, 4, 5]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_more_than_a_batch_goes_in_one_turn(write, file, monkeypatch):
    monkeypatch.setattr(ship, "_BATCH_ENTRIES", 4)
    write(10)
    ship.ship()
    assert numbers(file) == list(range(1, 11))


def test_a_file_that_was_away_gets_everything_once_and_one_warning(write, file, caplog):
    file.mkdir()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            write(2)
            ship.ship()
    assert len(caplog.records) == 1 and "entries after 0 wait" in caplog.text
    assert sink("file").failing_since is not None and "Is a directory" in sink("file").sentence
    file.rmdir()
    ship.ship()
    assert numbers(file) == [1, 2, 3, 4, 5, 6]
    assert (sink("file").failing_since, sink("file").sentence) == (None, "")


def test_a_renamed_file_is_begun_anew_where_the_old_one_ended(write, file):
    write(2)
    ship.ship()
    file.rename(file.with_suffix(".1"))
    write(1)
    ship.ship()
    assert numbers(file) == [3]


def test_a_line_cut_off_by_a_full_disk_spoils_no_other(write, file):
    file.write_text('{"seq":1,"cut')
    write(1)
    ship.ship()
    assert [json.loads(line)["seq"] for line in file.read_text().splitlines()[1:]] == [1]


def test_a_full_disk_loses_nothing(write, settings, file):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    settings.AUDIT_FILE = "/dev/full"
    write(2)
    ship.ship()
    assert (sink("file").seq, "No space left" in sink("file").sentence) == (0, True)
    settings.AUDIT_FILE = str(file)
    ship.ship()
    assert numbers(file) == [1, 2]


def test_one_place_that_is_away_does_not_hold_up_the_other(write, settings, file):
    settings.AUDIT_SYSLOG = "unix:///nonexistent/log"
    write(2)
    ship.ship()
    assert numbers(file) == [1, 2]
    assert sink("syslog").seq == 0 and sink("syslog").failing_since is not None


class Collector(socketserver.StreamRequestHandler):
    """Reads counted messages (RFC 6587) to the end."""

    def handle(self) -> None:
        while count := self._count():
            self.server.got.append(self.rfile.read(count))

    def _count(self) -> int:
        digits = b""
        while (byte := self.rfile.read(1)).isdigit():
            digits += byte
        return int(digits or 0)


@pytest.fixture
def collector():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Collector)
    server.got = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_syslog_over_tcp_has_read_them_all_when_they_count_as_shipped(write, settings, collector):
    settings.AUDIT_SYSLOG = f"tcp://127.0.0.1:{collector.server_address[1]}"
    write(7)
    ship.ship()
    told = [json.loads(MESSAGE.fullmatch(message)[1]) for message in collector.got]
    assert [each["seq"] for each in told] == [1, 2, 3, 4, 5, 6, 7]
    assert sink("syslog").seq == 7


def test_a_log_server_that_ends_before_reading_them_gets_them_again(write, settings):
    """As one that was killed: the connection is reset, with our bytes unread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.AUDIT_SYSLOG = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.settimeout(10)

        def reset() -> None:
            connection, _ = server.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=reset)
        thread.start()
        write(5)
        ship.ship()
        thread.join()
    assert sink("syslog").seq == 0 and sink("syslog").failing_since is not None


def test_a_log_server_that_is_away_is_caught_up_with(write, settings, collector):
    port = collector.server_address[1]
    settings.AUDIT_SYSLOG = "tcp://127.0.0.1:1"
    write(3)
    ship.ship()
    assert sink("syslog").seq == 0
    settings.AUDIT_SYSLOG = f"tcp://127.0.0.1:{port}"
    ship.ship()
    assert len(collector.got) == 3


@pytest.mark.parametrize("scheme", ["udp", "unix"])
def test_syslog_by_datagrams(write, settings, tmp_path, scheme):
    family = socket.AF_UNIX if scheme == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log") if scheme == "unix" else ("127.0.0.1", 0))
        name = server.getsockname()
        settings.AUDIT_SYSLOG = f"unix://{name}" if scheme == "unix" else f"udp://127.0.0.1:{name[1]}"
        server.settimeout(5)
        write(2)
        ship.ship()
        assert [json.loads(MESSAGE.fullmatch(server.recv(65536))[1])["seq"] for _ in range(2)] == [1, 2]


def test_what_does_not_fit_into_a_datagram_goes_without_its_requests(cast):
    intent = trail.begin("team.create", by=cast["administrator"])
    made = [{"method": "GET", "path": "/x" * 500, "status": 200, "ms": 1}] * 200
    entry = trail.conclude(intent, "SUCCEEDED", requests=made)
    told = json.loads(MESSAGE.fullmatch(ship._datagram(entry))[1])
    assert (told["requests"], told["requests_left_out"], told["seq"]) == ([], 200, entry.seq)
    assert AuditEntry.objects.get(seq=entry.seq).requests == made
