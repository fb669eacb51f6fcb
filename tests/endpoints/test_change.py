"""Changing, testing, disabling and removing registered engines."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engines.endpoints import queries
from engines.models import Engine, EngineState, Grant, Operation
from engines.permissions import Role
from tests.endpoints.conftest import typed
from tests.rig.certs import Authority


@pytest.fixture
def away(db) -> Engine:
    """A registered engine that nothing answers for."""
    engine = Engine(name="Away", slug="away", url="tcp://127.0.0.1:1", engine_id="old", api_version="1.41")
    issued = Authority().issue("console@example.org")
    engine.tls_cert, engine.tls_key, engine.tls_ca = issued.cert, issued.key, Authority().pem
    engine.save()
    EngineState.objects.create(engine=engine)
    return engine


def fields(engine: Engine, **more: object) -> dict[str, object]:
    now = Engine.objects.filter(pk=engine.pk).first() or engine
    return {"name": engine.name, "slug": engine.slug, "url": engine.url, "seen": queries.edition(now)} | more


def test_empty_key_material_keeps_what_is_stored(admin, away):
    key = away.tls_key
    response = admin.post("/engines/away/edit/", fields(away, name="Renamed", slug=""))
    assert response.headers["Location"] == "/engines/away/"
    after = Engine.objects.get()
    assert (after.name, after.tls_key, after.tls_ca, after.tls_cert) == ("Renamed", key, away.tls_ca, away.tls_cert)
    assert after.engine_id == "old"


def test_material_is_removed_by_its_tick_and_replaced_by_another(admin, away):
    ca = Authority().pem
    admin.post("/engines/away/edit/", fields(away, tls_cert_remove="on", tls_key_remove="on", tls_ca=ca))
    after = Engine.objects.get()
    assert (after.tls_cert, after.tls_key_sealed, after.tls_ca) == ("", "", ca.strip())


def test_half_of_a_pair_cannot_be_removed(admin, away):
    response = admin.post("/engines/away/edit/", fields(away, tls_key_remove="on"))
    assert list(response.context["form"].errors) == ["tls_key"]


def test_another_address_forgets_what_was_agreed_with_the_old_one(admin, away):
    admin.post("/engines/away/edit/", fields(away, url="tcp://127.0.0.1:2"))
    after = Engine.objects.get()
    assert (after.api_version, after.engine_id, after.ssh_host_key) == ("", "", "")


def test_another_kind_of_address_drops_the_material_it_does_not_use(admin, away):
    admin.post("/engines/away/edit/", fields(away, url="unix:///d.sock"))
    after = Engine.objects.get()
    assert (after.tls_ca, after.tls_cert, after.tls_key_sealed) == ("", "", "")


def test_an_expired_stored_certificate_does_not_block_another_name(admin, away):
    issued = Authority().issue("c@example.org", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    Engine.objects.update(tls_ca=issued.cert)
    assert admin.post("/engines/away/edit/", fields(away, name="Renamed")).status_code == 302
    assert "expired" in admin.get("/engines/away/").content.decode()


def test_a_key_that_cannot_be_decrypted_is_told_and_replaced(admin, away, tls_engine):
    Engine.objects.update(tls_key_sealed="v1:AAAA")
    page = admin.get("/engines/away/")
    assert page.status_code == 200
    assert "Edit the engine and give its key material again." in page.content.decode()
    response = admin.post("/engines/away/edit/", fields(away, name="Renamed"))
    assert "cannot be decrypted" in str(response.context["form"].errors["tls_key"])
    admin.post("/engines/away/edit/", fields(away) | typed(tls_engine, "Renamed", slug="away"))
    assert Engine.objects.get().api_version == tls_engine.api_version


def test_stored_material_is_never_shown(admin, away):
    for path in ("/engines/away/", "/engines/away/edit/", "/", "/engines/away/remove/"):
        page = admin.get(path).content.decode()
        for text in (away.tls_key, away.tls_cert, away.tls_key_sealed):
            assert text[40:90] not in page
    assert page


def test_testing_an_edit_uses_the_stored_key_and_stores_nothing(admin, tls_engine):
    admin.post("/engines/add/", typed(tls_engine))
    sent = fields(Engine.objects.get(), name="Other", test="1")
    page = admin.post("/engines/harbour/edit/", sent, headers={"HX-Request": "true"}).content.decode()
    assert "answers: Docker Engine" in page
    assert Engine.objects.get().name == "Harbour"


def test_test_again_pins_what_is_agreed(admin, unix_engine, register):
    engine = register(unix_engine)
    Engine.objects.update(api_version="", engine_id="")
    part = admin.post("/engines/real/test/", headers={"HX-Request": "true"}).content.decode()
    assert "Real answers: Docker Engine" in part and "<html" not in part
    engine.refresh_from_db()
    assert (engine.api_version, bool(engine.engine_id)) == (unix_engine.api_version, True)
    assert admin.post("/engines/real/test/").status_code == 302


def test_a_disabled_engine_is_not_asked_and_its_pages_are_closed(admin, away):
    assert admin.post("/engines/away/disable/").status_code == 302
    page = admin.get("/engines/away/").content.decode()
    assert "This engine is disabled." in page
    assert "connection was refused" not in page.lower()
    closed = admin.get("/engines/away/images/build/")
    assert closed.status_code == 409
    assert "This engine is disabled." in closed.content.decode()
    admin.post("/engines/away/enable/")
    assert Engine.objects.get().enabled
    assert admin.get("/engines/away/images/build/").status_code == 200


def test_removal_asks_for_the_name_and_keeps_the_history(admin, away):
    Operation.objects.create(
        engine=away,
        engine_name="Away",
        kind="image.pull",
        title="Pull x",
        status="SUCCEEDED",
        finished_at=timezone.now(),
    )
    Grant.objects.create(engine=away, user=User.objects.create_user("v"), role=Role.VIEWER)
    assert "history of its operations" in admin.get("/engines/away/remove/").content.decode()
    refused = admin.post("/engines/away/remove/", {"confirm": "away"})
    assert refused.status_code == 422
    assert "Type the name exactly: Away" in refused.content.decode()
    page = admin.post("/engines/away/remove/", {"confirm": "Away"}, follow=True)
    assert "Away is removed from this console." in page.content.decode()
    assert not Engine.objects.exists() and not Grant.objects.exists()
    assert Operation.objects.get().engine_name == "Away"


def test_an_engine_with_running_operations_is_not_removed(admin, away):
    Operation.objects.create(engine=away, engine_name="Away", kind="image.pull", title="Pull x", status="RUNNING")
    refused = admin.post("/engines/away/remove/", {"confirm": "Away"})
    assert refused.status_code == 422
    assert "cancel them first" in refused.content.decode()
    assert Engine.objects.exists()


def test_an_engine_removed_meanwhile_is_told_to_who_edits_it(admin, away, monkeypatch):
    monkeypatch.setattr("engines.endpoints.forms.EngineForm.clean_name", lambda form: _gone(form.cleaned_data["name"]))
    page = admin.post("/engines/away/edit/", fields(away)).content.decode()
    assert "removed a moment ago" in page


def _gone(name: str) -> str:
    Engine.objects.all().delete()
    return name


def test_of_two_who_edit_one_engine_the_later_is_told_and_nothing_is_mixed(admin, away):
    seen = admin.get("/engines/away/edit/").context["form"]["seen"].value()
    assert admin.post("/engines/away/edit/", fields(away, name="First", seen=seen)).status_code == 302
    later = admin.post("/engines/away/edit/", fields(away, name="Second", url="tcp://127.0.0.1:2", seen=seen))
    assert later.status_code == 409
    page = later.content.decode()
    assert "Somebody edited this engine meanwhile" in page and 'value="Second"' in page
    after = Engine.objects.get()
    assert (after.name, after.url, after.tls_key) == ("First", away.url, away.tls_key)
    assert admin.post("/engines/away/edit/", fields(away, name="Third", seen="")).status_code == 422


def test_a_confirmed_host_key_or_a_test_is_no_other_edition(admin, away):
    seen = queries.edition(away)
    Engine.objects.update(ssh_host_key="x", api_version="1.40", engine_id="other", enabled=False)
    sealed_anew = Engine.objects.get()
    sealed_anew.tls_key = away.tls_key
    sealed_anew.save()
    assert queries.edition(Engine.objects.get()) == seen
