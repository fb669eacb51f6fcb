"""Roles against every URL of the endpoint pages."""

import pytest

ADMINISTRATORS = ["edit/", "remove/"]
ACTIONS = ["edit/", "test/", "trust/", "forget-host-key/", "disable/", "enable/", "remove/"]
ROLES = ["viewer", "operator", "builder", "manager"]


def test_nobody_logged_in_is_sent_to_the_login_page(client, engine):
    for path in ("/", "/engines/add/", "/engines/harbour/", "/engines/harbour/edit/"):
        response = client.get(path)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("action", ["", *ACTIONS])
def test_for_a_stranger_the_engine_does_not_exist(client, cast, action):
    client.force_login(cast["stranger"])
    method = client.post if action else client.get
    assert method(f"/engines/harbour/{action}").status_code == 404
    assert method(f"/engines/missing/{action}").status_code == 404


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_no_role_on_the_engine_lets_anybody_change_its_registration(client, cast, engine, role, action):
    client.force_login(cast[role])
    assert client.post(f"/engines/harbour/{action}", {"confirm": "Harbour"}).status_code == 403
    engine.refresh_from_db()
    assert engine.enabled


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_overview_without_address_and_actions(client, cast, engine, role):
    client.force_login(cast[role])
    page = client.get("/engines/harbour/")
    assert page.status_code == 200
    for hidden in ("/run/harbour.sock", "/edit/", "/remove/", "/disable/", "Registration"):
        assert hidden not in page.content.decode()


@pytest.mark.parametrize("role", ["stranger", *ROLES])
def test_only_administrators_register(client, cast, role):
    client.force_login(cast[role])
    assert client.get("/engines/add/").status_code == 403
    assert client.post("/engines/add/", {"name": "x", "url": "unix:///d.sock"}).status_code == 403


@pytest.mark.parametrize("action", ADMINISTRATORS)
def test_an_administrator_gets_the_pages(client, cast, action):
    client.force_login(cast["administrator"])
    assert client.get(f"/engines/harbour/{action}").status_code == 200


@pytest.mark.parametrize("action", ["test/", "trust/", "forget-host-key/", "disable/", "enable/"])
def test_changes_are_posts(client, cast, action):
    client.force_login(cast["administrator"])
    assert client.get(f"/engines/harbour/{action}").status_code == 405
