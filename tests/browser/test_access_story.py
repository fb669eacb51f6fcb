"""Two teams, three engines, four roles: from the invitation to the trail that tells it all, and to one tampered row."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.rig.hosts import Host
from tests.stack import ROOT, Browser, Stack, running

PEOPLE = {"vera": "viewer", "olga": "operator", "ben": "builder", "mara": "manager"}
PASSWORD = "sails-and-anchors-9"
_TAGS = """
from engines.models import Engine, Tag
for slug, name in {"harbour": "production", "lighthouse": "production", "pier": "staging"}.items():
    Engine.objects.get(slug=slug).tags.add(Tag.objects.get_or_create(name=name)[0])
"""


@pytest.fixture(scope="module")
def port(unix_host: Host, tls_host: Host, ssh_host: Host) -> Iterator[Stack]:
    with running() as stack:
        stack.register(unix_host.endpoint, "Harbour", "harbour")
        stack.register(tls_host.endpoint, "Lighthouse", "lighthouse")
        stack.register(ssh_host.endpoint, "Pier", "pier")
        stack.manage(script=_TAGS)
        yield stack


def invite(admin: Page, name: str) -> str:
    """The one-time address for `name`, as the administrator reads it."""
    admin.goto("/users/invite/")
    admin.fill("input[name=username]", name)
    admin.get_by_role("button", name="Make the account").click()
    return admin.inner_text("#once")


def make_team(admin: Page, name: str, people: list[str]) -> None:
    admin.goto("/teams/add/")
    admin.fill("input[name=name]", name)
    admin.locator("main form button[type=submit]").last.click()
    for person in people:
        admin.select_option("select[name=person]", label=person)
        admin.get_by_role("button", name="Add", exact=True).click()
        expect(admin.get_by_role("link", name=person)).to_be_visible()


def grant(admin: Page, to: str, on: str, role: str) -> None:
    admin.goto("/grants/add/")
    admin.select_option("select[name=to]", label=to)
    admin.select_option("select[name=on]", label=on)
    admin.select_option("select[name=role]", label=role)
    admin.get_by_role("button", name="Grant", exact=True).click()
    assert "/grants/add/" not in admin.url, admin.inner_text("main")


def test_from_the_invitation_to_the_trail_and_a_tampered_row(fresh, port: Stack):
    admin = fresh(port.url)
    log_in(admin)
    pages: dict[str, Page] = {}
    for name in PEOPLE:
        address = invite(admin, name)
        page = pages[name] = fresh(port.url)
        page.goto(address)
        page.fill("input[name=new_password1]", PASSWORD)
        page.fill("input[name=new_password2]", PASSWORD)
        page.locator("button[type=submit]").click()
        log_in(page, name, PASSWORD)
        expect(page.locator("main")).not_to_contain_text("Harbour")

    make_team(admin, "Support", ["vera", "olga"])
    make_team(admin, "Shop", ["ben", "mara"])
    grant(admin, "Support", "production", "viewer")
    grant(admin, "olga", "Harbour", "operator")
    grant(admin, "Shop", "staging", "builder")
    grant(admin, "mara", "Lighthouse", "manager")

    seen = {name: engines_of(page) for name, page in pages.items()}
    assert seen == {
        "vera": {"Harbour", "Lighthouse"},
        "olga": {"Harbour", "Lighthouse"},
        "ben": {"Pier"},
        "mara": {"Lighthouse", "Pier"},
    }
    why(admin)
    refused(port, pages["vera"])

    admin.goto("/audit/?outcome=DENIED")
    expect(admin.locator("main")).to_contain_text("vera")
    admin.goto("/audit/?person=admin")
    for told in ("Shop", "Support", "olga"):
        expect(admin.locator("main")).to_contain_text(told)
    pages["mara"].goto("/engines/lighthouse/audit/")
    expect(pages["mara"].locator("main")).not_to_contain_text("Harbour")
    assert pages["mara"].goto("/audit/").status == 403

    assert verify(port).returncode == 0
    with sqlite3.connect(port.data / "pilothouse.sqlite3") as database:
        database.execute("DROP TRIGGER audit_update_refused")
        (seq,) = database.execute("SELECT min(seq) FROM engines_auditentry WHERE act = 'grant.create'").fetchone()
        database.execute("UPDATE engines_auditentry SET actor_name = 'vera' WHERE seq = ?", [seq])
    found = verify(port)
    assert found.returncode == 1
    assert re.search(rf"\b{seq}\b", found.stdout + found.stderr)


def engines_of(page: Page) -> set[str]:
    page.goto("/")
    page.wait_for_selector(".card")
    return set(page.locator(".card h2").all_inner_texts())


def why(admin: Page) -> None:
    """The page that answers what may be done, and because of what."""
    admin.goto("/users/")
    admin.get_by_role("link", name="olga").first.click()
    admin.goto(admin.url + "on/harbour/")
    main = admin.inner_text("main")
    assert "operator" in main.lower()
    assert "Support" in main and "production" in main
    admin.goto("/engines/harbour/access/")
    for name in ("vera", "olga", "admin"):
        expect(admin.locator("main")).to_contain_text(name)
    expect(admin.locator("main")).not_to_contain_text("ben")


def refused(port: Stack, page: Page) -> None:
    """A viewer's hand-written POSTs, with a valid token, come to nothing."""
    browser = Browser(port.url).login("vera", PASSWORD)
    forms = {
        "image": "busybox:local",
        "name": "vera",
        "dockerfile": "FROM busybox:local",
        "to": "user-1",
        "url": "unix:///x",
    }
    container = "a" * 64
    for path in [
        *(f"/engines/harbour/containers/{container}/{verb}/" for verb in ("start", "stop", "kill", "remove")),
        *("/engines/harbour/containers/create/", "/engines/harbour/images/build/", "/engines/harbour/images/pull/"),
        *("/engines/harbour/edit/", "/engines/harbour/remove/", "/engines/harbour/limits/edit/", "/engines/add/"),
        *("/users/invite/", "/users/policy/", "/teams/add/", "/grants/add/", "/users/1/disable/", "/users/2/promote/"),
    ]:
        assert browser.submit(path, forms, form="/accounts/profile/").status_code == 403, path
    for path in ("/engines/pier/containers/create/", f"/engines/pier/containers/{container}/start/"):
        assert browser.submit(path, forms, form="/accounts/profile/").status_code == 404, path
    page.goto("/engines/harbour/containers/")
    expect(page.get_by_role("link", name="Create")).to_have_count(0)


def verify(port: Stack) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "manage.py", "audit", "verify"]
    return subprocess.run(argv, cwd=ROOT, env=port.environment, capture_output=True, text=True, timeout=60)
