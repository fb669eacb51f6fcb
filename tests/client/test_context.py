"""Build contexts: what passes is clean, what is hostile is refused at once and by name."""

import bz2
import gzip
import io
import random
import stat
import tarfile
import time
import zipfile

import pytest

from engines.client.connect import connect
from engines.client.context import ContextRefused, Limits, from_dockerfile, require_dockerfile, rewrite
from engines.client.errors import translated


def entry(name: str, kind: bytes = tarfile.REGTYPE, **values) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in values.items():
        setattr(made, key, value)
    return made


def archive(*entries: tarfile.TarInfo, ignore: bytes = b"") -> bytes:
    """A tar of `entries`, their content being `x`, and of a .dockerignore when `ignore` is given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for made in entries:
            tar.addfile(made, io.BytesIO(b"x" * made.size))
        if ignore:
            tar.addfile(entry(".dockerignore", size=len(ignore)), io.BytesIO(ignore))
    return buffer.getvalue()


def header(size: int) -> bytes:
    return entry("a", size=size).tobuf(tarfile.GNU_FORMAT)


def rewritten(data: bytes, limits: Limits | None = None, dockerfile: str = "Dockerfile"):
    target = io.BytesIO()
    summary = rewrite(io.BytesIO(data), target, dockerfile=dockerfile, limits=limits)
    return summary, tarfile.open(fileobj=io.BytesIO(target.getvalue())).getmembers()


def names(data: bytes, limits: Limits | None = None, dockerfile: str = "Dockerfile") -> list[str]:
    return [member.name for member in rewritten(data, limits, dockerfile)[1]]


def texts(**files: str) -> bytes:
    """A tar of files, `_` in a name standing for `.` and `__` for `/`, with a Dockerfile at its end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in (files | {"Dockerfile": "FROM scratch"}).items():
            made = entry(name.replace("__", "/").replace("_", "."), size=len(text))
            tar.addfile(made, io.BytesIO(text.encode()))
    return buffer.getvalue()


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for info, content in entries:
            archive.writestr(info, content, compression)
    return buffer.getvalue()


def info(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    return made


DOCKERFILE = ("Dockerfile", b"FROM scratch")


def test_files_folders_and_inner_links_pass_without_owner_or_special_bits():
    made = archive(
        entry("./src", tarfile.DIRTYPE, mode=0o1777),
        entry("./src//run.sh", size=3, mode=0o4777, uid=1000, uname="ann", mtime=9),
        entry("src/link", tarfile.SYMTYPE, linkname="../src/run.sh"),
        entry("src", tarfile.DIRTYPE),
        entry("Dockerfile"),
    )
    summary, (folder, file, link, _) = rewritten(made)
    assert (summary.entries, summary.unpacked, summary.files) == (4, 3, {"src/run.sh": 3, "Dockerfile": 0})
    assert (summary.format, summary.ignored, summary.biggest) == ("tar", 0, [("src/run.sh", 3), ("Dockerfile", 0)])
    assert (folder.name, folder.mode) == ("src", 0o755)
    assert (file.name, file.mode, file.uid, file.uname, file.mtime) == ("src/run.sh", 0o755, 0, "", 9)
    assert link.linkname == "../src/run.sh"


@pytest.mark.parametrize(
    "hostile",
    [
        entry("../x"),
        entry("/etc/passwd"),
        entry("a/../../b"),
        entry("C:/x"),
        entry("a\\b"),
        entry("a\nb"),
        entry("a\x1b[2J"),
        entry("a\u202eb"),
        entry("n" * 1025),
        entry("d/" * 65 + "f"),
        entry("l", tarfile.SYMTYPE, linkname="/etc/passwd"),
        entry("l", tarfile.SYMTYPE, linkname="../x"),
        entry("d/l", tarfile.SYMTYPE, linkname="../../x"),
        entry("l", tarfile.LNKTYPE, linkname="other"),
        entry("d", tarfile.CHRTYPE),
        entry("d", tarfile.BLKTYPE),
        entry("Dockerfile", tarfile.FIFOTYPE),
    ],
    ids=lambda made: ascii(made.name[:20]) + made.linkname,
)
def test_a_hostile_entry_is_refused(hostile):
    with pytest.raises(ContextRefused):
        rewritten(archive(hostile, entry("Dockerfile")))


@pytest.mark.parametrize(
    "data",
    [
        header(-512) + b"x" * 1024,
        header(1 << 40) + b"x" * 100,
        header(1000) + b"x" * 100,
        archive(entry("a"), entry("./a")),
        b"not a tar at all" * 100,
        b"",
        archive(entry("a", size=600))[:512],
        archive(entry("a", size=600))[:1536],
        archive(entry("a", size=600), entry("b"))[:1024] + b"damage" * 100 + archive(entry("Dockerfile")),
        gzip.compress(archive(entry("a", size=60000), entry("Dockerfile")))[:60],
        gzip.compress(b"no tar in here" * 100),
        bz2.compress(archive(entry("Dockerfile"))),
        zipped(DOCKERFILE)[:-30],
        b"PK\x03\x04" + b"x" * 100,
    ],
    ids=[
        *("negative size", "huge size", "truncated", "twice", "no tar", "empty", "header only", "no end", "damaged"),
        *("truncated gzip", "gzip of no tar", "bzip2", "truncated zip", "no zip"),
    ],
)
def test_a_broken_archive_is_refused(data):
    with pytest.raises(ContextRefused):
        rewritten(data)


def test_too_many_entries_and_too_many_bytes_are_refused():
    with pytest.raises(ContextRefused, match="more than 2 entries"):
        rewritten(archive(entry("a"), entry("b"), entry("c")), Limits(entries=2))
    with pytest.raises(ContextRefused, match="larger than 10 bytes"):
        rewritten(archive(entry("a", size=6), entry("b", size=6)), Limits(unpacked=10))


@pytest.mark.parametrize(
    "whole",
    [
        archive(entry("a", size=600), entry("Dockerfile", size=3)),
        gzip.compress(archive(entry("a", size=600), entry("Dockerfile", size=3))),
        zipped(("a/b", b"x" * 600), DOCKERFILE),
    ],
    ids=["tar", "tar.gz", "zip"],
)
def test_damage_anywhere_is_refused_and_nothing_else(whole):
    source = random.Random(7)
    for _ in range(500):
        broken = bytearray(whole)
        for _ in range(source.randrange(1, 4)):
            broken[source.randrange(min(2100, len(broken)))] = source.randrange(256)
        try:
            rewritten(bytes(broken[: source.choice([None, source.randrange(len(broken))])]))
        except ContextRefused:
            continue


def test_the_dockerfile_must_be_a_regular_file_of_the_context():
    target = io.BytesIO()
    summary = from_dockerfile("FROM scratch\n", target)
    require_dockerfile(summary, "Dockerfile")
    with pytest.raises(ContextRefused):
        require_dockerfile(summary, "../Dockerfile")
    with pytest.raises(ContextRefused, match="1 MiB"):
        from_dockerfile("x" * (1 << 20) + "x", target)


def test_a_folder_with_the_dockerfile_deeper_down_is_pointed_out():
    with pytest.raises(ContextRefused, match=r"no regular file 'Dockerfile'; there is 'app/Dockerfile'"):
        rewritten(archive(entry("app/Dockerfile")))
    assert names(archive(entry("app/Dockerfile")), dockerfile="./app/Dockerfile") == ["app/Dockerfile"]


@pytest.mark.parametrize(
    "hostile",
    [
        [entry("a"), entry("a/b")],
        [entry("a/b"), entry("a")],
        [entry("a", tarfile.SYMTYPE, linkname="b"), entry("a/b")],
        [entry("a", tarfile.DIRTYPE), entry("a", tarfile.SYMTYPE, linkname="b")],
        [entry("a", tarfile.SYMTYPE, linkname="b"), entry("a", tarfile.DIRTYPE)],
        [entry("a", tarfile.SYMTYPE, linkname="b/../c")],
        [entry("."), entry("a")],
    ],
)
def test_names_that_are_two_things_are_refused(hostile):
    with pytest.raises(ContextRefused):
        rewritten(archive(*hostile, entry("Dockerfile")))


def test_60000_entries_are_refused_quickly():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(60_000):
            tar.addfile(entry(f"f{number}"))
    began = time.monotonic()
    with pytest.raises(ContextRefused, match="more than 50000 entries"):
        rewritten(buffer.getvalue())
    assert time.monotonic() - began < 20


def test_folders_that_are_only_implied_count():
    with pytest.raises(ContextRefused, match="more than 100 entries"):
        rewritten(archive(*(entry(f"{n}/" + "d/" * 60 + "f") for n in range(5))), Limits(entries=100))


def test_bombs_are_refused_before_they_are_unpacked():
    zeros = b"\0" * (40 << 20)
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        tar.addfile(entry("zeros", size=len(zeros)), io.BytesIO(zeros))
    with pytest.raises(ContextRefused, match="200 times its size"):
        rewritten(gzip.compress(body.getvalue(), 9))
    with pytest.raises(ContextRefused, match="200 times its size"):
        rewritten(zipped(("zeros", zeros), DOCKERFILE))


def test_a_huge_pax_header_is_refused_before_it_is_read():
    head = entry("x", tarfile.XHDTYPE, size=1 << 30).tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(ContextRefused, match="larger than 64 KiB"):
        rewritten(head + b"0" * 2048)
    head = entry("x", tarfile.GNUTYPE_LONGNAME, size=1 << 20).tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ContextRefused, match="larger than 64 KiB"):
        rewritten(head + b"0" * 2048)


@pytest.mark.parametrize("name", ["GNU.sparse.major", "GNU.sparse.map"])
def test_sparse_files_are_refused(name):
    made = entry("a", size=512)
    made.pax_headers = {name: "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a", "GNU.sparse.realsize": "9"}
    body = made.tobuf(tarfile.PAX_FORMAT) + b"1\n0\n512\n".ljust(512, b"\0") + b"\0" * 1024
    with pytest.raises(ContextRefused):
        rewritten(body)


def test_gzip_of_one_and_of_several_members_is_read():
    whole = archive(entry("a", size=9000), entry("Dockerfile"))
    for packed in (gzip.compress(whole), gzip.compress(whole[:700]) + gzip.compress(whole[700:])):
        summary, _ = rewritten(packed)
        assert (summary.format, list(summary.files)) == ("tar.gz", ["a", "Dockerfile"])


def test_a_zip_is_read_with_its_modes_and_links():
    data = zipped(
        ("src/", b""),
        (info("src/run.sh", stat.S_IFREG | 0o4775), b"#!"),
        (info("src/link", stat.S_IFLNK | 0o777), b"run.sh"),
        DOCKERFILE,
        compression=zipfile.ZIP_STORED,
    )
    summary, (folder, file, link, _) = rewritten(data)
    assert (summary.format, summary.files) == ("zip", {"src/run.sh": 2, "Dockerfile": 12})
    assert folder.isdir() and file.mode == 0o755 and link.issym() and link.linkname == "run.sh"


def _encrypted() -> bytes:
    data = bytearray(zipped(("secret", b"x"), DOCKERFILE))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def _overlapping() -> bytes:
    """A list of entries that all name the same compressed bytes."""
    data = zipped(("a" * 20, b"\0" * (1 << 20)))
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    listed = b"".join(data[at:end].replace(b"a" * 20, b"%020d" % number) for number in range(1000))
    tail = bytearray(data[end:])
    tail[8:12] = (1000).to_bytes(2, "little") * 2
    tail[12:16] = len(listed).to_bytes(4, "little")
    return data[:at] + listed + bytes(tail)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (zipped(("../x", b""), DOCKERFILE), "leads out"),
        (zipped(("/etc/passwd", b""), DOCKERFILE), "leads out"),
        (zipped((info("l", stat.S_IFLNK), b"/etc/passwd"), DOCKERFILE), "leads out"),
        (zipped((info("l", stat.S_IFLNK), b"x" * 5000), DOCKERFILE), "longer than 4096"),
        (zipped((info("d", stat.S_IFBLK), b""), DOCKERFILE), "neither a file"),
        (zipped((info("Dockerfile", stat.S_IFIFO), b"")), "neither a file"),
        (zipped((info("l", stat.S_IFLNK), b"b"), ("l/x", b""), DOCKERFILE), "not a folder"),
        (zipped(("a", b"x"), DOCKERFILE, compression=zipfile.ZIP_LZMA), "other than deflate"),
        (_encrypted(), "encrypted"),
        (_overlapping(), "times its size"),
    ],
    ids=[
        "parent",
        "absolute",
        "link out",
        "long link",
        "device",
        "fifo",
        "link as folder",
        "lzma",
        "encrypted",
        "overlap",
    ],
)
def test_a_hostile_zip_is_refused(data, sentence):
    with pytest.raises(ContextRefused, match=sentence):
        rewritten(data)


def test_a_zip_s_entries_are_counted_before_they_are_parsed():
    data = zipped(*((f"f{number}", b"") for number in range(1000)))
    with pytest.raises(ContextRefused, match="more than 100 entries"):
        rewritten(data, Limits(entries=100))


def test_dockerignore_is_applied_wherever_it_lies_in_the_archive():
    data = texts(
        a_log="1",
        keep_log="1",
        deep__b_log="1",
        build__x="1",
        build__y="1",
        _dockerignore="**/*.log\n!keep.log\nbuild\n!build/y",
    )
    summary, _ = rewritten(data)
    assert list(summary.files) == ["keep.log", "build/y", ".dockerignore", "Dockerfile"]
    assert summary.ignored == 3


def test_the_dockerfile_and_the_ignore_file_cannot_be_ignored():
    assert names(texts(a="1", _dockerignore="*")) == [".dockerignore", "Dockerfile"]


def test_a_dockerfile_s_own_ignore_file_replaces_the_general_one():
    assert names(texts(a="1", b="1", _dockerignore="a", Dockerfile_dockerignore="b")) == [
        "a",
        ".dockerignore",
        "Dockerfile.dockerignore",
        "Dockerfile",
    ]


def test_what_is_ignored_need_not_be_fit_for_a_context():
    made = archive(
        entry("node_modules/.bin/x", tarfile.SYMTYPE, linkname="/usr/bin/x"),
        entry("node_modules/pipe", tarfile.FIFOTYPE),
        *(entry(f"node_modules/{n}") for n in range(20)),
        entry("Dockerfile"),
        ignore=b"node_modules",
    )
    assert names(made, Limits(entries=8)) == ["Dockerfile", ".dockerignore"]


def test_a_real_engine_builds_from_what_was_written(unix_engine):
    data = zipped(
        (
            "app/Dockerfile",
            b"FROM busybox:local\nCOPY . /app\nRUN test -x /app/run.sh && test -f /app/link && test ! -e /app/x\n",
        ),
        (info("run.sh", stat.S_IFREG | 0o755), b"#!/bin/sh\n"),
        (info("link", stat.S_IFLNK | 0o777), b"run.sh"),
        ("x", b"ignored"),
        (".dockerignore", b"x"),
    )
    target = io.BytesIO()
    rewrite(io.BytesIO(data), target, dockerfile="app/Dockerfile")
    client = connect(unix_engine, timeout=60)
    for version in ("1", "2"):
        with translated(60):
            reply = client.post(
                f"{client.prefix}/build",
                params={"dockerfile": "app/Dockerfile", "version": version, "forcerm": "1"},
                data=target.getvalue(),
                timeout=60,
            )
        assert reply.status_code == 200
        assert "errorDetail" not in reply.text
