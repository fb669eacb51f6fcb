"""Hands every entry to a file or to syslog outside the console, in order; after a fault, again from where it stopped.

A place may get entries twice after a crash, never out of order and none left out: each carries its number.
"""

import json
import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils import timezone

from engines.models import AuditEntry, AuditSink
from engines.trail.lines import line

log = logging.getLogger(__name__)

Send = Callable[[list[AuditEntry]], None]

_BATCH_ENTRIES = 500
_NETWORK_SECONDS = 3
#: Facility 13 (log audit), severity 6 (informational).
_PRIORITY = 13 * 8 + 6
#: What fits into one datagram.
_DATAGRAM_BYTES = 60_000


def places() -> dict[str, Send]:
    """Kind of AuditSink -> how entries get there. Only what the settings name."""
    found: dict[str, Send] = {}
    if settings.AUDIT_FILE:
        found[AuditSink.Kind.FILE] = _to_file
    if settings.AUDIT_SYSLOG:
        found[AuditSink.Kind.SYSLOG] = _to_syslog
    return found


def ship() -> None:
    """Hand over all that waits. A place that does not take it is warned of once, and tried again the next time."""
    for kind, send in places().items():
        sink = AuditSink.objects.get_or_create(kind=kind)[0]
        try:
            _ship(sink, send)
        except OSError as error:
            _failed(sink, f"It does not take them: {error.strerror or error}.")


def _ship(sink: AuditSink, send: Send) -> None:
    waiting = AuditEntry.objects.order_by("seq")
    while entries := list(waiting.filter(seq__gt=sink.seq)[:_BATCH_ENTRIES]):
        send(entries)
        sink.seq, sink.failing_since, sink.sentence = entries[-1].seq, None, ""
        sink.save()


def _failed(sink: AuditSink, sentence: str) -> None:
    if sink.failing_since is None:
        sink.failing_since = timezone.now()
        log.warning("audit entries after %s wait to be shipped to the %s. %s", sink.seq, sink.kind, sentence)
    sink.sentence = sentence
    sink.save()


def _to_file(entries: list[AuditEntry]) -> None:
    descriptor = os.open(settings.AUDIT_FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with open(descriptor, "ab") as file:
        end = os.fstat(descriptor).st_size
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            # A full disk cut the last line off: what comes now must not be added to it.
            file.write(b"\n")
        file.writelines(f"{line(entry)}\n".encode() for entry in entries)
        file.flush()
        os.fsync(descriptor)


def _to_syslog(entries: list[AuditEntry]) -> None:
    address = urlsplit(settings.AUDIT_SYSLOG)
    if address.scheme == "tcp":
        _by_stream(address.hostname or "", address.port or 0, [_message(entry, line(entry)) for entry in entries])
        return
    with _sender(address) as sender:
        for entry in entries:
            sender.send(_datagram(entry))


def _sender(address: SplitResult) -> socket.socket:
    """A connected socket for datagrams."""
    if address.scheme == "unix":
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        target: Any = address.path
    else:
        family, kind, _, _, target = socket.getaddrinfo(address.hostname, address.port, type=socket.SOCK_DGRAM)[0]
        sender = socket.socket(family, kind)
    sender.settimeout(_NETWORK_SECONDS)
    try:
        sender.connect(target)
    except OSError:
        sender.close()
        raise
    return sender


def _by_stream(host: str, port: int, messages: list[bytes]) -> None:
    """Counted messages (RFC 6587), then the end of ours; the other end's shows that it has read all of them."""
    with socket.create_connection((host, port), timeout=_NETWORK_SECONDS) as stream:
        stream.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))
        stream.shutdown(socket.SHUT_WR)
        while stream.recv(4096):
            pass


def _datagram(entry: AuditEntry) -> bytes:
    message = _message(entry, line(entry))
    if len(message) <= _DATAGRAM_BYTES:
        return message
    told = json.loads(line(entry)) | {"requests": [], "requests_left_out": len(entry.requests)}
    return _message(entry, json.dumps(told, separators=(",", ":")))


def _message(entry: AuditEntry, text: str) -> bytes:
    """As RFC 5424 says, with the entry's own time."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"<{_PRIORITY}>1 {at} {socket.gethostname() or '-'} pilothouse {os.getpid()} audit - {text}".encode()
