"""Archives of an engine are read a header at a time, whatever they hold; what is written is read back by tarfile."""

import asyncio
import io
import tarfile

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from engines.client.errors import NotAnEngine
from engines.client.tarstream import END, Head, heads, held, next_head, packed, padding


def read(data: bytes) -> list[Head]:
    async def gather() -> list[Head]:
        return [head async for head in heads(await stream(data))]

    return asyncio.run(gather())


async def stream(data: bytes) -> StreamReader:
    loop = asyncio.get_running_loop()
    reader = StreamReader(BaseProtocol(loop), 1 << 26, loop=loop)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def archive(*entries: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, encoding="utf-8", errors="surrogateescape") as out:
        for entry in entries:
            out.addfile(entry, io.BytesIO(b"x" * entry.size))
    return buffer.getvalue()


def entry(name: str, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize(
    "name", ["plain", "d/" + "n" * 255, "a\nb", 'it\'s "q"', "-rf", "\u202egnp.exe", "\udcff\udcfe"]
)
def test_every_name_is_read_as_it_is(name, format):
    found = read(
        archive(entry("before", size=700), entry(name, size=3, mode=0o4755, uid=7, gid=8, mtime=9), format=format)
    )
    assert found[1] == Head(name, "file", 3, 0o4755, 7, 8, 9)


def test_kinds_and_where_links_lead():
    kinds = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.FIFOTYPE: "pipe", tarfile.CHRTYPE: "device"}
    found = read(archive(*(entry("x", type=kind, linkname="../there" * 30) for kind in kinds)))
    assert [head.kind for head in found] == list(kinds.values())
    assert found[1].link == "../there" * 30


def test_a_file_that_is_one_with_an_earlier_one_says_so():
    found = read(archive(entry("d/a", size=5), entry("d/b", type=tarfile.LNKTYPE, linkname="d/a")))
    assert (found[1].kind, found[1].same, found[1].size) == ("file", "d/a", 0)


def test_what_a_file_holds_can_be_read_and_no_more():
    async def gather() -> bytes:
        content = await stream(archive(entry("a", size=1000)))
        head = await next_head(content)
        return b"".join([block async for block in held(content, head.size)])

    assert asyncio.run(gather()) == b"x" * 1000


@pytest.mark.parametrize("at", [100, 512, 700, 1100])
def test_an_archive_that_is_cut_off_is_no_shorter_archive(at):
    with pytest.raises(NotAnEngine):
        read(archive(entry("a", size=1000))[:at])


@pytest.mark.parametrize(
    "data",
    [
        b"not a tar at all".ljust(1024, b"."),
        # A negative size, and a pax header larger than any.
        archive(entry("a"))[:124] + b"\xff" * 12 + archive(entry("a"))[136:],
        archive(entry("a", type=tarfile.XHDTYPE, size=2 << 20)),
    ],
    ids=["text", "negative", "huge"],
)
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(NotAnEngine):
        read(data)


def test_records_that_lie_about_their_length_are_refused():
    header = archive(entry("a", type=tarfile.XHDTYPE, size=11))
    for record in (b"99 path=abc", b"0 path=abcd", b"-5 path=abc", b"path=abcdef"):
        with pytest.raises(NotAnEngine):
            read(header[:512] + record.ljust(512, b"\0") + END)


@pytest.mark.parametrize("name", ["a", "n" * 255, "\udcff", "ü"])
def test_what_is_packed_is_a_tar_of_one_entry(name):
    made = packed(Head(name, "file", 5, 0o600, 65534, 70000, 1234567890)) + b"hello" + padding(5) + END
    with tarfile.open(fileobj=io.BytesIO(made), encoding="utf-8", errors="surrogateescape") as back:
        (info,) = back.getmembers()
        assert (info.name, info.mode, info.uid, info.gid, info.mtime) == (name, 0o600, 65534, 70000, 1234567890)
        assert back.extractfile(info).read() == b"hello"
