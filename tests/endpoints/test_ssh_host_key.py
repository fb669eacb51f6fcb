"""The host key of an SSH engine: shown, compared, confirmed once; another one later is refused."""

import html

import pytest
from django.contrib.auth.models import User

from engines.client import ssh
from engines.endpoints import queries
from engines.models import Engine, Grant
from engines.permissions import Role
from tests.endpoints.conftest import typed
from tests.rig.sshd import key_pair


@pytest.fixture
def unconfirmed(admin, ssh_engine):
    admin.post("/engines/add/", typed(ssh_engine))
    yield Engine.objects.get()
    ssh.close_all()


def confirm(admin, fingerprints: str) -> str:
    page = admin.post("/engines/harbour/trust/", {"fingerprints": fingerprints}, follow=True)
    return html.unescape(page.content.decode())


def test_the_fingerprint_is_shown_confirmed_and_then_the_engine_answers(admin, unconfirmed, ssh_engine):
    fingerprint = ssh.fingerprint(ssh_engine.ssh.host_key)
    page = admin.get("/engines/harbour/")
    assert fingerprint in html.unescape(page.content.decode())
    assert unconfirmed.ssh_host_key == "" and unconfirmed.api_version == ""
    assert "Harbour answers: Docker Engine" in confirm(admin, page.context["contact"].shown)
    engine = Engine.objects.get()
    assert engine.ssh_host_key == ssh_engine.ssh.host_key
    assert engine.api_version == ssh_engine.api_version


@pytest.mark.parametrize("shown", ["", "SHA256:AAAA", "nonsense"])
def test_another_fingerprint_than_the_one_shown_now_is_refused(admin, unconfirmed, shown):
    assert "other keys now than those you confirmed" in confirm(admin, shown)
    assert Engine.objects.get().ssh_host_key == ""


def test_a_confirmed_key_is_not_replaced_by_confirming_again(admin, unconfirmed, ssh_engine):
    Engine.objects.update(ssh_host_key="ssh-ed25519 " + "A" * 68)
    assert "confirmed meanwhile" in confirm(admin, ssh.fingerprint(ssh_engine.ssh.host_key))
    assert Engine.objects.get().ssh_host_key.endswith("A")


def test_a_changed_key_is_refused_with_both_fingerprints_until_forgotten(admin, unconfirmed, ssh_engine, tmp_path):
    _, other = key_pair(tmp_path / "other")
    Engine.objects.update(ssh_host_key=other)
    page = html.unescape(admin.get("/engines/harbour/").content.decode())
    assert "another SSH key than the one confirmed" in page
    assert ssh.fingerprint(other) in page and ssh.fingerprint(ssh_engine.ssh.host_key) in page
    assert "They match" not in page
    page = html.unescape(admin.post("/engines/harbour/forget-host-key/", follow=True).content.decode())
    assert "They match" in page
    assert Engine.objects.get().ssh_host_key == ""


def test_another_address_asks_for_the_host_key_again(admin, unconfirmed, ssh_engine):
    Engine.objects.update(ssh_host_key=ssh_engine.ssh.host_key)
    other = str(ssh_engine.address).replace("root@", "other@")
    admin.post("/engines/harbour/edit/", {"name": "Harbour", "url": other, "seen": queries.edition(unconfirmed)})
    assert Engine.objects.get().ssh_host_key == ""


def test_a_test_before_saving_shows_the_fingerprint(admin, ssh_engine):
    page = html.unescape(admin.post("/engines/add/", typed(ssh_engine, test="1")).content.decode())
    assert ssh.fingerprint(ssh_engine.ssh.host_key) in page
    assert "asked to confirm this after saving" in page


def test_an_ssh_host_that_is_away_is_told(admin, ssh_engine):
    page = admin.post("/engines/add/", typed(ssh_engine, url="ssh://root@127.0.0.1:1"), follow=True).content.decode()
    assert "the connection was refused" in page


def test_a_viewer_sees_no_way_to_confirm(client, unconfirmed):
    viewer = User.objects.create_user("viewer")
    Grant.objects.create(engine=unconfirmed, user=viewer, role=Role.VIEWER)
    client.force_login(viewer)
    page = client.get("/engines/harbour/").content.decode()
    assert "has not been confirmed yet" in page
    assert "trust/" not in page


def test_the_key_is_on_no_page(admin, unconfirmed, ssh_engine):
    middle = ssh_engine.ssh.key.splitlines()[2]
    confirm(admin, ssh.fingerprint(ssh_engine.ssh.host_key))
    for path in ("/", "/engines/harbour/", "/engines/harbour/edit/", "/engines/harbour/remove/"):
        assert middle not in admin.get(path).content.decode()
    assert middle not in Engine.objects.get().ssh_key_sealed
