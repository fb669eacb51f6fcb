"""Build contexts: what passes is clean, what is hostile is refused at once and by name."""

import io
import random
import tarfile

import pytest

from engines.client.context import ContextRefused, Limits, from_dockerfile, require_dockerfile, rewrite_tar


def entry(name: str, kind: bytes = tarfile.REGTYPE, **values) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in values.items():
        setattr(made, key, value)
    return made


def archive(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for made in entries:
            tar.addfile(made, io.BytesIO(b"x" * made.size))
    return buffer.getvalue()


def header(size: int) -> bytes:
    return entry("a", size=size).tobuf(tarfile.GNU_FORMAT)


def rewritten(data: bytes, limits: Limits | None = None):
    target = io.BytesIO()
    summary = rewrite_tar(io.BytesIO(data), target, limits)
    return summary, tarfile.open(fileobj=io.BytesIO(target.getvalue())).getmembers()


def test_files_folders_and_inner_links_pass_without_owner_or_special_bits():
    made = archive(
        entry("./src", tarfile.DIRTYPE, mode=0o1777),
        entry("./src//run.sh", size=3, mode=0o4777, uid=1000, uname="ann", mtime=9),
        entry("src/link", tarfile.SYMTYPE, linkname="../src/run.sh"),
    )
    summary, (folder, file, link) = rewritten(made)
    assert (summary.entries, summary.unpacked, summary.files) == (3, 3, {"src/run.sh": 3})
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
        rewritten(archive(hostile))


@pytest.mark.parametrize(
    "data",
    [
        header(-512) + b"x" * 1024,
        header(1 << 40) + b"x" * 100,
        header(1000) + b"x" * 100,
        archive(entry("a"), entry("./a")),
        b"not a tar at all" * 100,
    ],
    ids=["negative size", "huge size", "truncated", "twice", "no tar"],
)
def test_a_broken_archive_is_refused(data):
    with pytest.raises(ContextRefused):
        rewritten(data)


def test_too_many_entries_and_too_many_bytes_are_refused():
    with pytest.raises(ContextRefused, match="more than 2 entries"):
        rewritten(archive(entry("a"), entry("b"), entry("c")), Limits(entries=2))
    with pytest.raises(ContextRefused, match="larger than 10 bytes"):
        rewritten(archive(entry("a", size=6), entry("b", size=6)), Limits(unpacked=10))


def test_damage_anywhere_is_refused_and_nothing_else():
    whole = archive(entry("a", size=600), entry("b", size=3))
    source = random.Random(7)
    for _ in range(500):
        broken = bytearray(whole)
        broken[source.randrange(1100)] = source.randrange(256)
        try:
            rewritten(bytes(broken))
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
