"""What `stat` prints is read back, of GNU and of busybox, whatever a name holds."""

import pytest

from engines.files.queries import _entry, _records

MARK = "0123456789abcdef"
#: Name, and where it leads.
LINKS = [("/d/x", "/etc"), ("/d/x -> y", "a -> b"), ("/d/it's", "'"), ("/d/a\nb", "c\nd"), ("/d/\udcff", "\udcfe")]


def line(name: str, rest: str, mode: str = "a1ff") -> bytes:
    return f"{MARK} {mode} 4 1700000000 0 5 root UNKNOWN {name}{MARK}{rest}\n".encode(errors="surrogateescape")


@pytest.mark.parametrize(("name", "target"), LINKS)
@pytest.mark.parametrize("form", ["{} -> {}", "'{}' -> '{}'"], ids=["gnu", "busybox"])
def test_links_are_read_of_both(form, name, target):
    out = line(name, form.format(name, target)) + line("/d/after", "/d/after", "81a4")
    link, after = (_entry(record, MARK) for record in _records(out, MARK))
    assert (link.name, link.kind, link.link, link.owner) == (name, "link", target, "root:5")
    assert (after.name, after.kind, after.size, after.word) == ("/d/after", "file", 4, "-rw-r--r--")


@pytest.mark.parametrize("out", [b"", b"find: not that\n", b"0123456789abcdef 81a4 4\n", line("/x", "/x", "zzzz")])
def test_what_no_stat_prints_is_no_entry(out):
    assert [entry for record in _records(out, MARK) if (entry := _entry(record, MARK))] == []


def test_what_was_cut_is_no_entry():
    whole = line("/a", "/a") + line("/b", "/b")
    for at in range(len(whole)):
        found = [entry for record in _records(whole[:at], MARK) if (entry := _entry(record, MARK))]
        assert [entry.name for entry in found] in ([], ["/a"], ["/a", "/b"])
