"""Who logged in long ago is asked who they are before what is sensitive; nothing is changed until they say."""

import time

import pytest
from django.contrib.auth.models import User

from engines.models import AuditEntry, Engine, Grant, Team
from engines.permissions import Role
from engines.web.recent import STARTED

VERBS = ["reset", "disable", "enable", "promote", "demote", "end-sessions", "remove-factors", "delete"]


@pytest.fixture
def stale(admin, ann, engine):
    """An administrator who logged in an hour ago, and one of everything with known keys."""
    team = Team.objects.create(pk=71, name="ops")
    team.members.add(ann)
    Grant.objects.create(pk=72, team=team, engine=engine, role=Role.VIEWER)
    session = admin.session
    session[STARTED] = int(time.time()) - 3600
    session.save()
    return admin


@pytest.mark.parametrize(
    "path",
    [
        *(f"/users/ANN/{verb}/" for verb in VERBS),
        *("/users/invite/", "/teams/add/", "/teams/71/edit/", "/teams/71/delete/"),
        *("/teams/71/members/add/", "/teams/71/members/ANN/remove/"),
        *("/grants/add/", "/grants/72/edit/", "/grants/72/remove/"),
        *("/engines/add/", "/engines/harbour/edit/", "/engines/harbour/trust/", "/engines/harbour/remove/"),
        "/engines/harbour/forget-host-key/",
    ],
)
def test_nothing_sensitive_is_done_for_a_login_of_long_ago(stale, ann, path):
    everything = [list(model.objects.values()) for model in (User, Team, Grant, Engine)]
    fields = {
        "confirm": {"users": "ann", "teams": "ops", "engines": "Harbour"}.get(path.split("/")[1], ""),
        **{"username": "new", "name": "new", "url": "unix:///d.sock", "person": ann.pk, "role": "40", "version": "1"},
        **{"to": f"user-{ann.pk}", "on": f"engine-{Engine.objects.get().pk}"},
    }
    answer = stale.post(path.replace("ANN", str(ann.pk)), fields)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/confirm/")
    assert [list(model.objects.values()) for model in (User, Team, Grant, Engine)] == everything
    assert not AuditEntry.objects.filter(phase="INTENT").exists()


@pytest.mark.parametrize("path", ["/users/", "/users/ANN/", "/users/ANN/on/harbour/", "/teams/", "/teams/71/", "/"])
def test_looking_asks_nothing(stale, ann, path):
    assert stale.get(path.replace("ANN", str(ann.pk))).status_code == 200
