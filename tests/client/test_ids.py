"""Ids and names: the reference grammar, and nothing that leads to another path of the Engine API."""

import pytest

from engines.client.connect import connect
from engines.client.endpoint import Address, Endpoint
from engines.client.ids import IdInvalid, Reference, parse_reference, require_image, require_name, require_segments

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("busybox", Reference("", "busybox")),
        ("busybox:1.36", Reference("", "busybox", "1.36")),
        ("team/app:v1", Reference("", "team/app", "v1")),
        ("localhost/app", Reference("localhost", "app")),
        ("localhost:5000/app", Reference("localhost:5000", "app")),
        ("r.example/a/b__c/d-e:T.1", Reference("r.example", "a/b__c/d-e", "T.1")),
        ("r.example:443/app:1@sha256:" + HEX, Reference("r.example:443", "app", "1", "sha256:" + HEX)),
        ("app@sha256:" + HEX, Reference("", "app", "", "sha256:" + HEX)),
        ("[::1]:5000/app", Reference("[::1]:5000", "app")),
        ("Registry/app", Reference("Registry", "app")),
    ],
)
def test_a_reference_is_read_and_spelt_the_same(text, reference):
    assert parse_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":tag",
        "a:",
        "a@",
        "a@sha256:abc",
        "App",
        "team/App",
        "a//b",
        "/a",
        "a/",
        "../networks/bridge",
        "a/../b",
        "a/./b",
        "a b",
        "a\n",
        "a:t\n",
        "-a",
        "a:-t",
        "a:" + "t" * 129,
        "a" * 256,
        "http://r/a",
        "r.example:port/a",
        "r.-x/a",
        "a?x=1",
        "a%2fb",
        HEX,
    ],
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(IdInvalid):
        parse_reference(text)


def test_images_may_be_named_by_id_as_well():
    for text in ("sha256:" + HEX, HEX, HEX[:12], "busybox:local"):
        assert require_image(text) == text


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a:b", "-a", "a b", "a\n", "é"])
def test_a_name_of_a_container_holds_no_path(name):
    with pytest.raises(IdInvalid):
        require_name(name)
    assert require_name("web_1.a-b") == "web_1.a-b"


@pytest.mark.parametrize("id", ["../networks/bridge", "a/../b", "..", ".", "", "a/", "a?b", "a#b", "a\r\nb", "a%2e"])
def test_the_client_itself_refuses_ids_that_lead_elsewhere(tmp_path, id):
    client = connect(Endpoint("e", Address("unix", path="/nonexistent/d.sock"), "1.41", tmp_path))
    with pytest.raises(IdInvalid):
        require_segments(id)
    with pytest.raises((IdInvalid, ValueError)):
        client._url("/volumes/{0}", id)
