"""BuildKit traces: decoding, and an engine that sends rubbish."""

import base64
import random

import pytest

from engines.client.buildkit.trace import MAX_AUX, TraceError, decode


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def aux(*fields: bytes) -> str:
    return base64.b64encode(b"".join(fields)).decode()


def test_a_step_is_read_with_its_inputs_times_and_error():
    stamp = field(1, 1_700_000_000) + field(2, 500_000_000)
    step = field(1, "sha256:a") + field(2, "sha256:b") + field(2, "sha256:c") + field(3, "[1/2] RUN x") + field(4, 1)
    step += field(5, stamp) + field(6, stamp) + field(7, "exit code: 7")
    (vertex,) = decode(aux(field(1, step))).vertexes
    assert (vertex.digest, vertex.inputs) == ("sha256:a", ("sha256:b", "sha256:c"))
    assert (vertex.name, vertex.cached, vertex.error) == ("[1/2] RUN x", True, "exit code: 7")
    assert vertex.started == vertex.completed == 1_700_000_000.5


def test_output_keeps_its_bytes_even_when_they_are_not_text():
    (log,) = decode(aux(field(3, field(1, "sha256:a") + field(3, 2) + field(4, b"\xff\x1b[31m")))).logs
    assert (log.stream, log.message) == (2, b"\xff\x1b[31m")


def test_progress_and_warnings_are_read():
    status = field(1, "layer") + field(2, "sha256:a") + field(3, "downloading") + field(4, 10) + field(5, -1)
    trace = decode(aux(field(2, status), field(4, field(3, "careful") + field(4, "one") + field(4, "two"))))
    assert (trace.statuses[0].current, trace.statuses[0].total) == (10, -1)
    assert (trace.warnings[0].short, trace.warnings[0].detail) == ("careful", ("one", "two"))


def test_fields_of_a_newer_engine_and_broken_text_do_no_harm():
    (vertex,) = decode(aux(field(99, 1), field(1, field(3, b"\xff") + field(8, b"group")))).vertexes
    assert vertex.name == "\N{REPLACEMENT CHARACTER}"


def test_an_empty_message_changes_nothing():
    assert decode("").vertexes == ()


@pytest.mark.parametrize(
    "rubbish",
    [
        "not base64!",
        "h\u00f6",
        aux(b"\x0a"),
        aux(b"\x0a\x7f"),
        aux(b"\x0b"),
        aux(b"\x80" * 11),
        aux(field(1, 5)),
        aux(field(1, field(1, 5))),
        aux(field(1, field(4, b"x"))),
        aux(field(1, field(5, b"\x80"))),
        "A" * (MAX_AUX + 4),
    ],
)
def test_rubbish_is_a_trace_error(rubbish):
    with pytest.raises(TraceError):
        decode(rubbish)


def test_random_bytes_give_a_trace_or_a_trace_error_and_nothing_else():
    source = random.Random(7)
    for _ in range(5_000):
        try:
            decode(base64.b64encode(source.randbytes(source.randrange(60))).decode())
        except TraceError:
            continue
