"""Patterns of .dockerignore, as Docker matches them."""

import time

import pytest

from engines.client.dockerignore import Ignore, PatternInvalid


@pytest.mark.parametrize(
    ("pattern", "ignored", "kept"),
    [
        ("a", ["a", "a/b", "a/b/c"], ["b/a", "ab", "A"]),
        ("/a/", ["a", "a/b"], ["b/a"]),
        ("a/b", ["a/b", "a/b/c"], ["a", "b"]),
        ("./a/../b", ["b"], ["a"]),
        ("*.log", ["x.log", ".log", "x.log/y"], ["d/x.log", "x.logs"]),
        ("*/*.log", ["d/x.log"], ["x.log", "d/e/x.log"]),
        ("**/*.log", ["x.log", "d/x.log", "d/e/x.log"], ["x.txt"]),
        ("**.log", ["x.log", "d/e/x.log"], ["x.txt"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/z/y"], ["a", "z", "a/b"]),
        ("**", ["a", "a/b"], []),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[]]x", ["]x"], ["x"]),
        (r"\*", ["*"], ["a"]),
        ("# a", [], ["a", "# a"]),
        ("  b  ", ["b"], ["a"]),
        ("", [], ["a"]),
        (".", [], ["a"]),
        ("*", ["a", ".a"], []),
    ],
)
def test_a_pattern(pattern, ignored, kept):
    ignore = Ignore(pattern)
    assert [name for name in ignored + kept if ignore.ignores(name)] == ignored


def test_the_last_match_decides_and_some_names_are_never_ignored():
    ignore = Ignore("*\r\n!docs\r\ndocs/*.md\r\n!docs/README.md\r\n", kept=["Dockerfile"])
    assert ignore.ignores("src")
    assert not ignore.ignores("docs/a.txt")
    assert ignore.ignores("docs/a.md")
    assert not ignore.ignores("docs/README.md")
    assert not ignore.ignores("Dockerfile")


@pytest.mark.parametrize("text", ["[a", "a\\", "[a-", "x" * 1025, "a\n" * 501])
def test_a_file_that_cannot_be_used_is_told(text):
    with pytest.raises(PatternInvalid):
        Ignore(text)


def test_hostile_patterns_take_no_time():
    ignore = Ignore("\n".join(["**/" * 30 + "*a" * 100 + "b", "*a" * 300, "*/" * 60 + "x"]))
    began = time.monotonic()
    for number in range(50):
        assert not ignore.ignores("/".join(["a" * 15] * 60) + f"/{number}")
    assert time.monotonic() - began < 5
