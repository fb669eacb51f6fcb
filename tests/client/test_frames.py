"""Logs taken apart: the same whatever the blocks they come in, and nothing of them twice."""

import random
import struct

import pytest

from engines.client.errors import EngineReplied, NotAnEngine
from engines.client.frames import ERR, OUT, Framed, Run, Seen, Unframed, multiplexed

PART = 16 << 10


def stamp(number: int) -> bytes:
    return b"2026-11-25T07:00:00.%09dZ" % number


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def message(number: int, text: bytes) -> bytes:
    return stamp(number) + b" " + text


def long_line(number: int, text: bytes) -> list[bytes]:
    """As the engine gives a line longer than what it reads at once: its newline may come alone."""
    whole = len(text) // PART * PART
    parts = [text[at : at + PART] for at in range(0, whole, PART)]
    return [message(number, part) for part in [*parts, text[whole:] + b"\n"]]


def fed(reader: Framed | Unframed, body: bytes, size: int) -> dict[int, bytes]:
    """What of each stream comes out, when `body` comes in blocks of about `size`."""
    out: dict[int, bytes] = {OUT: b"", ERR: b""}
    chance, at = random.Random(size), 0
    while at < len(body):
        step = chance.randint(1, size)
        for stream, data in reader.feed(body[at : at + step]):
            out[stream] += data
        at += step
    for stream, data in reader.end():
        out[stream] += data
    return out


@pytest.mark.parametrize("size", [3, 40, 5000, 1 << 20])
def test_streams_come_apart_wherever_blocks_end(size):
    lines = [(chance % 3 % 2 + 1, message(chance, b"line %d\n" % chance)) for chance in range(300)]
    body = b"".join(frame(stream, line) for stream, line in lines)
    out = fed(Framed({}), body, size)
    assert out == {kind: b"".join(line for stream, line in lines if stream == kind) for kind in (OUT, ERR)}


def test_neighbours_of_one_stream_are_one_run_and_the_order_of_both_is_kept():
    body = b"".join(frame(s, message(n, b"x\n")) for n, s in enumerate((OUT, OUT, OUT, ERR, OUT, ERR, ERR), start=1))
    runs = Framed({}).feed(body)
    assert [(stream, data.count(b"\n")) for stream, data in runs] == [(OUT, 3), (ERR, 1), (OUT, 1), (ERR, 2)]


@pytest.mark.parametrize("size", [7, 20_000, 1 << 20])
@pytest.mark.parametrize("length", [PART, PART + 1, 3 * PART, 100_000])
def test_a_long_line_has_one_timestamp_though_the_other_stream_comes_between(size, length):
    parts = long_line(5, b"x" * length)
    noise = frame(ERR, message(6, b"noise\n"))
    body = noise.join(frame(OUT, part) for part in parts) + frame(OUT, message(7, b"next\n"))
    out = fed(Framed({}), body, size)
    assert out[OUT] == message(5, b"x" * length + b"\n") + message(7, b"next\n")
    assert out[ERR] == message(6, b"noise\n") * (len(parts) - 1)


def test_a_last_line_without_its_end_is_not_glued_to_the_next_run_s_first():
    body = frame(OUT, message(1, b"half")) + frame(OUT, message(2, b"first\n"))
    assert fed(Framed({}), body, 1 << 20)[OUT] == message(1, b"half\n") + message(2, b"first\n")


@pytest.mark.parametrize("size", [7, 20_000, 1 << 20])
@pytest.mark.parametrize("length", [0, 5, PART - 1, PART, PART + 1, 3 * PART, 100_000])
def test_a_terminal_s_long_line_has_one_timestamp_too(size, length):
    around = [message(n, b"short %d\r\n" % n) for n in range(200)]
    body = b"".join(around) + b"".join(long_line(500, b"y" * length)) + b"".join(around)
    expected = b"".join(around) + message(500, b"y" * length + b"\n") + b"".join(around)
    assert fed(Unframed({}), body, size)[OUT] == expected


@pytest.mark.parametrize("size", [7, 1 << 20])
@pytest.mark.parametrize("framed", [True, False])
def test_what_was_seen_is_left_out_and_nothing_else(size, framed):
    # Three lines of one timestamp, of which two were seen; the other stream is behind, and one of its lines is new.
    out = [message(n, b"%d\n" % i) for i, n in enumerate((1, 2, 5, 5, 5, 6))]
    err = [message(n, b"%d\n" % i) for i, n in enumerate((1, 3, 4))]
    seen = {OUT: Seen(stamp(5), 2), ERR: Seen(stamp(3), 1)}
    if framed:
        body = b"".join(frame(OUT, line) for line in out) + b"".join(frame(ERR, line) for line in err)
        assert fed(Framed(seen), body, size) == {OUT: b"".join(out[4:]), ERR: err[2]}
    else:
        assert fed(Unframed(seen), b"".join(out), size)[OUT] == b"".join(out[4:])


@pytest.mark.parametrize("framed", [True, False])
def test_a_log_that_does_not_hold_any_more_what_was_seen_of_it_says_so(framed):
    kept = [message(number, b"kept\n") for number in (5, 5, 9)]
    body = b"".join(frame(OUT, line) for line in kept) if framed else b"".join(kept)
    # The other stream's last line is so old that the engine was not asked for it.
    for out, found in ((Seen(stamp(5), 2), True), (Seen(stamp(5), 3), False), (Seen(stamp(4), 1), False)):
        reader = (Framed if framed else Unframed)({OUT: out, ERR: Seen(stamp(1), 1)})
        assert reader.feed(body)
        assert reader.found is found


@pytest.mark.parametrize("framed", [True, False])
def test_a_long_line_that_was_seen_is_left_out_whole(framed):
    parts = [*long_line(5, b"x" * 50_000), message(6, b"new\n")]
    body = b"".join(frame(OUT, part) for part in parts) if framed else b"".join(parts)
    reader = (Framed if framed else Unframed)({OUT: Seen(stamp(5), 1)})
    assert fed(reader, body, 9000)[OUT] == message(6, b"new\n")


def test_the_rest_of_a_terminal_comes_at_the_end():
    reader = Unframed({})
    assert reader.feed(message(1, b"login: ")) == []
    assert reader.end() == [(OUT, message(1, b"login: "))]


@pytest.mark.parametrize("framed", [True, False])
def test_without_timestamps_all_is_passed_on_as_it_is(framed):
    text = b"2026 is no timestamp\n" + b"z" * 40_000
    body = frame(OUT, text[:30_000]) + frame(OUT, text[30_000:]) if framed else text
    reader = (Framed if framed else Unframed)({}, timed=False)
    assert fed(reader, body, 999)[OUT] == text


@pytest.mark.parametrize(
    "body", [b"HTTP/1.1 400 Bad", frame(7, b"x"), struct.pack(">BxxxL", 1, 0xFFFFFFFF) + b"x", b"\xff" * 64]
)
def test_what_is_no_log_is_told_at_once_and_not_gathered(body):
    with pytest.raises(NotAnEngine):
        Framed({}).feed(body)


def test_what_the_engine_could_not_read_is_told_after_what_it_could():
    reader = Framed({})
    body = frame(OUT, message(1, b"good\n")) + frame(3, b"Error grabbing logs: unexpected EOF\n")
    assert reader.feed(body) == [(OUT, message(1, b"good\n"))]
    with pytest.raises(EngineReplied, match="grabbing logs: unexpected EOF"):
        reader.end()


def test_an_engine_that_says_it_cannot_read_its_log_and_never_ends_is_not_gathered():
    reader, sent = Framed({}), 0
    reader.feed(frame(3, b"Error grabbing logs"))
    with pytest.raises(EngineReplied, match="grabbing logs"):
        while sent < 1 << 20:
            assert reader.feed(b"x" * 1000) == []
            sent += 1000
    assert sent < 70_000


def test_a_large_frame_that_comes_in_pieces_is_no_such_word():
    reader, body = Framed({}, timed=False), frame(OUT, b"y" * 300_000)
    pieces = [run for at in range(0, len(body), 9000) for run in reader.feed(body[at : at + 9000])]
    assert pieces == [(OUT, b"y" * 300_000)]


def test_messages_to_a_browser_are_of_a_size_it_can_take():
    runs: list[Run] = [(OUT, b"a" * 100), (ERR, b"b" * 2500), (OUT, b"c" * 10)]
    messages = list(multiplexed(runs, 1000))
    assert all(len(each) <= 1000 + 8 * 3 for each in messages)
    reader, out = Framed({}, timed=False), {OUT: b"", ERR: b""}
    for each in messages:
        for stream, data in reader.feed(each):
            out[stream] += data
    assert out == {OUT: b"a" * 100 + b"c" * 10, ERR: b"b" * 2500}
