"""Registering real engines through the form, and what the form refuses."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engines.models import Engine, EngineState
from tests.endpoints.conftest import typed
from tests.rig.certs import Authority
from tests.rig.sshd import key_pair

ADD = "/engines/add/"


def test_a_unix_engine_is_registered_contacted_and_pinned(admin, unix_engine):
    response = admin.post(ADD, typed(unix_engine), follow=True)
    assert response.redirect_chain == [("/engines/harbour/", 302)]
    engine = Engine.objects.get()
    assert (engine.name, engine.slug, engine.url) == ("Harbour", "harbour", str(unix_engine.address))
    assert engine.api_version == unix_engine.api_version
    assert engine.engine_id
    assert EngineState.objects.get().engine == engine
    page = response.content.decode()
    for shown in ("Docker SDK", "containerd", "runc", "overlay2", engine.engine_id, "GET", "/version"):
        assert shown in page


def test_a_tls_engine_is_registered_with_pasted_material(admin, tls_engine):
    admin.post(ADD, typed(tls_engine))
    engine = Engine.objects.get()
    assert engine.api_version
    assert engine.tls_key.strip() == tls_engine.tls.key.strip()
    assert tls_engine.tls.key[30:60] not in engine.tls_key_sealed


def test_a_tls_engine_is_registered_with_uploaded_material(admin, tls_engine):
    files = {
        f"{field}_file": SimpleUploadedFile(f"{field}.pem", text.replace("\n", "\r\n").encode())
        for field, text in (
            ("tls_ca", tls_engine.tls.ca),
            ("tls_cert", tls_engine.tls.cert),
            ("tls_key", tls_engine.tls.key),
        )
    }
    admin.post(ADD, {"name": "Harbour", "url": str(tls_engine.address)} | files)
    assert Engine.objects.get().api_version


def test_a_plain_engine_needs_the_tick_and_shows_the_warning(admin, plain_engine):
    refused = admin.post(ADD, typed(plain_engine))
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["plain_ok"]
    page = admin.post(ADD, typed(plain_engine, plain_ok="on"), follow=True).content.decode()
    assert Engine.objects.get().api_version
    assert "is root on that host" in page


def test_an_engine_that_does_not_answer_is_stored_with_the_sentence_on_its_page(admin, tmp_path):
    page = admin.post(ADD, {"name": "Away", "url": f"unix://{tmp_path}/d.sock"}, follow=True).content.decode()
    assert Engine.objects.get().api_version == ""
    assert "is stored, but could not be reached" in page
    assert "There is no socket at this path." in page
    assert "Check the path, and that the engine is running." in page


def test_the_wrong_ca_is_told(admin, tls_engine):
    page = admin.post(ADD, typed(tls_engine, tls_ca=Authority().pem), follow=True).content.decode()
    assert "was not issued by the CA given here" in page


def test_the_same_engine_twice_is_pointed_out_on_both_pages(admin, unix_engine):
    admin.post(ADD, typed(unix_engine, "First"))
    second = admin.post(ADD, typed(unix_engine, "Second"), follow=True).content.decode()
    assert "First</a> has the same engine ID" in second
    assert "Second</a> has the same engine ID" in admin.get("/engines/first/").content.decode()


def test_a_test_stores_nothing_and_says_what_answered(admin, tls_engine):
    response = admin.post(ADD, typed(tls_engine, test="1"))
    assert not Engine.objects.exists()
    assert "answers: Docker Engine" in response.content.decode()
    assert tls_engine.tls.key[40:80] not in response.content.decode()
    part = admin.post(ADD, typed(tls_engine, test="1"), headers={"HX-Request": "true"}).content.decode()
    assert "answers: Docker Engine" in part
    assert "<html" not in part and "<form" not in part


def test_a_test_of_a_wrong_form_names_the_fields(admin):
    response = admin.post(ADD, {"test": "1", "url": "http://x"}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Name: This field is required." in page
    assert "Address: http:// is not supported" in page


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "a\tb"}, "name", "printable"),
        ({"name": "x" * 65}, "name", "64"),
        ({"name": "TAKEN"}, "name", "Another engine has this name."),
        ({"slug": "taken"}, "slug", "Another engine has this short name."),
        ({"slug": "add"}, "slug", "name of a page"),
        ({"name": "Add"}, "slug", "name of a page"),
        ({"slug": "-x"}, "slug", "a-z"),
        ({"slug": "X"}, "slug", "a-z"),
        ({"slug": "a/b"}, "slug", "a-z"),
        ({"name": "⚓"}, "slug", "a-z"),
        ({"url": ""}, "url", "required"),
        ({"url": "http://host:2375"}, "url", "not supported"),
        ({"url": "tcp://host"}, "url", "Give the port"),
        ({"url": "tcp://host:2375/path"}, "url", "from 1 to 65535"),
        ({"url": "tcp://127.1:2375"}, "url", "four decimal numbers"),
        ({"url": "tcp://169.254.169.254:80"}, "url", "link-local"),
        ({"url": "tcp://[::ffff:169.254.169.254]:80"}, "url", "link-local"),
        ({"url": "tcp://0.0.0.0:2375"}, "url", "link-local"),
        ({"url": "ssh://-oProxyCommand=x@host"}, "url", "user name"),
        ({"url": "ssh://host"}, "url", "Name the user"),
        ({"url": "unix://relative"}, "url", "absolute path"),
        ({"url": "tcp://host:2376", "tls_ca": "hello"}, "tls_ca", "PEM"),
        ({"url": "tcp://host:2376", "tls_cert": "CERT"}, "tls_key", "private key of the client certificate"),
        ({"url": "tcp://host:2376", "tls_key": "KEY"}, "tls_cert", "certificate that belongs"),
        ({"url": "tcp://host:2376", "tls_cert": "CERT", "tls_key": "OTHER"}, "tls_key", "does not belong"),
        ({"url": "tcp://host:2376", "ssh_key": "SSH", "plain_ok": "on"}, "ssh_key", "leave this empty"),
        ({"url": "unix:///d.sock", "tls_ca": "CERT"}, "tls_ca", "leave this empty"),
        ({"url": "unix:///d.sock", "ssh_key": "SSH"}, "ssh_key", "leave this empty"),
        ({"url": "ssh://user@host"}, "ssh_key", "Paste a private key"),
        ({"url": "ssh://user@host", "ssh_key": "ssh-ed25519 AAAA"}, "ssh_key", "public key"),
        ({"url": "ssh://user@host", "ssh_key": "hello"}, "ssh_key", "not a private key"),
        ({"url": "ssh://user@host", "ssh_key": "SSH", "tls_ca": "CERT"}, "tls_ca", "leave this empty"),
        ({"url": "tcp://host:2376", "plain_ok": ""}, "plain_ok", "tick this"),
        ({"url": "tcp://host:2376", "tls_ca": "CERT", "tls_ca_file": b"CERT"}, "tls_ca", "not both"),
        ({"url": "tcp://host:2376", "tls_ca_file": b""}, "tls_ca", "empty"),
        ({"url": "tcp://host:2376", "tls_ca_file": b"\xff\xfe"}, "tls_ca", "not text"),
        ({"url": "tcp://host:2376", "tls_ca_file": b"x\0"}, "tls_ca", "not text"),
        ({"url": "tcp://host:2376", "tls_ca_file": b"x" * 70000}, "tls_ca", "64 KiB"),
    ],
)
def test_each_mistake_is_told_at_its_field(admin, tmp_path, fields, field, sentence):
    Engine.objects.create(name="Taken", slug="taken", url="unix:///d.sock")
    issued, other = Authority().issue("console@example.org"), Authority().issue("console@example.org")
    stand_ins = {"CERT": issued.cert, "KEY": issued.key, "OTHER": other.key, "SSH": key_pair(tmp_path / "k")[0]}
    sent = {"name": "Harbour", "url": "unix:///d.sock"} | {
        name: SimpleUploadedFile("x.pem", value) if isinstance(value, bytes) else stand_ins.get(value, value)
        for name, value in fields.items()
    }
    response = admin.post(ADD, sent)
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors.get(field, []))
    assert Engine.objects.count() == 1
    page = response.content.decode()
    for secret in (issued.key, other.key, stand_ins["SSH"]):
        assert secret[40:80] not in page


def test_a_key_pasted_into_the_wrong_field_is_not_sent_back(admin):
    key = Authority().issue("console@example.org").key
    page = admin.post(ADD, {"name": "x", "url": "tcp://h:1", "tls_ca": key}).content.decode()
    assert "It holds a private key." in page
    assert key[40:80] not in page


def test_the_first_engine_is_offered_when_this_machine_has_one(admin, settings, unix_engine):
    assert "answers on this machine" not in admin.get(ADD).content.decode()
    settings.LOCAL_ENGINE = str(unix_engine.address)
    assert "answers on this machine" in admin.get(ADD).content.decode()
    filled = admin.get(f"{ADD}?local=1")
    assert filled.context["form"].initial == {"name": "local", "slug": "local", "url": str(unix_engine.address)}
    Engine.objects.create(name="Taken", slug="taken", url="unix:///d.sock")
    assert "answers on this machine" not in admin.get(ADD).content.decode()


def test_a_wrong_docker_host_is_no_offer(admin, settings):
    for wrong in ("", "nonsense", "npipe:////./pipe/docker"):
        settings.LOCAL_ENGINE = wrong
        assert admin.get(ADD).status_code == 200


def test_a_form_without_csrf_token_is_refused(admin, unix_engine):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(ADD, typed(unix_engine)).status_code == 403
    assert not Engine.objects.exists()
