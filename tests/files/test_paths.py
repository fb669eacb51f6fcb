"""Which paths may be asked for, and that what is shown of a name hides nothing."""

import pytest

from engines.files import paths


@pytest.mark.parametrize("text", ["etc", "", "../x", "/a/../b", "/..", "/a\0b", "/" + "x" * 5000, "C:\\x"])
def test_no_other_path_is_taken(text):
    with pytest.raises(paths.PathInvalid):
        paths.require_path(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [("/", "/"), ("//", "/"), ("/a//b/", "/a/b"), ("/./a/.", "/a"), ("/a\nb", "/a\nb"), ("/...", "/...")],
)
def test_a_path_is_brought_into_its_shortest_form(text, path):
    assert paths.require_path(text) == path


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/", "a\nb", "a\0", "\u202egnp", "\udcff", "x" * 256, "ü" * 128]
)
def test_nothing_new_gets_such_a_name(name):
    with pytest.raises(paths.PathInvalid):
        paths.require_name(name)


@pytest.mark.parametrize("name", ["a", "-rf", 'it\'s "q"', "$(id)", "ü" * 127, "..."])
def test_other_names_are_taken_as_they_are(name):
    assert paths.require_name(name) == name


@pytest.mark.parametrize("path", ["/a b", "/\udcff\udcfe", "/ü", "/a&b=c#d?e%f+g;h", "/a\nb"])
def test_a_path_comes_back_from_an_address_byte_for_byte(path):
    assert paths.asked(f"x=1&path={paths.encoded(path)}&y=2") == [path]


def test_what_cannot_be_seen_is_written_out():
    assert paths.visible("a\n\t\x1b[31m\u202egnp\udcff.txt") == "a\\n\\t\\x1b[31m\\u202egnp\\xff.txt"
    assert paths.visible_text("a\n\tb\u202e") == "a\n\tb\\u202e"


def test_crumbs_lead_to_every_folder_on_the_way():
    assert paths.crumbs("/") == [("/", "/")]
    assert paths.crumbs("/a/b") == [("/", "/"), ("a", "/a"), ("b", "/a/b")]
