"""Every page at every width and in both themes: nothing runs over, and axe finds nothing (WCAG 2.1 A and AA).

With PILOTHOUSE_PICTURES in the environment, a picture of each is written to that directory.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import log_in
from tests.rig.hosts import Host
from tests.stack import ROOT, Stack, running

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
#: Narrower than this the page must still do without scrolling sideways (WCAG 1.4.10).
NARROWEST = 320
PHONE, TABLET, DESK = 390, 800, 1440
PICTURES = os.environ.get("PILOTHOUSE_PICTURES", "")

GOOD = """FROM busybox:local AS base
RUN printf '\\033[32mgreen\\033[0m and \\033[1;31mred\\033[0m\\n'
RUN for i in $(seq 1 40); do echo "line $i of the build"; done
FROM base
RUN echo %s
"""
BAD = "FROM busybox:local\nRUN echo about to fail; echo oops >&2; exit 7\n"
SLOW = 'FROM busybox:local\nRUN i=0; while [ $i -lt 600 ]; do echo "tick $i"; i=$((i+1)); sleep 1; done\n'
CRASH = """printf '\\033[32mstarting\\033[0m\\n'; echo '{"level":"error","msg":"no licence"}' >&2; exit 3"""
HOSTILE = "a-very-long-name-of-a-container-that-somebody-generated-0123456789-0123456789-0123456789"


@dataclass
class Harbour:
    """A console with something of everything, and the paths of its operations by name."""

    stack: Stack
    container: str
    person: int
    team: int
    operations: dict[str, str] = field(default_factory=dict)
    recording: str = ""


@pytest.fixture(scope="module")
def empty() -> Iterator[Stack]:
    """A console that knows no engine yet."""
    with running() as stack:
        yield stack


@pytest.fixture(scope="module")
def harbour(unix_host: Host, tls_host: Host) -> Iterator[Harbour]:
    """Two engines that answer, one that does not and one that is disabled; containers; builds of every end."""
    with running() as stack:
        stack.register(unix_host.endpoint, "Harbour", "harbour")
        stack.register(tls_host.endpoint, "Lighthouse of the northern approach", "lighthouse")
        person, team = (int(pk) for pk in stack.manage(script=_OTHERS).split("people")[1].split())
        names = containers(unix_host)
        town = Harbour(stack, inspect(unix_host, "shown", "{{.Id}}"), person, team)
        try:
            browser = stack.browser().login()
            for name, text in {"good": GOOD % stack.port, "bad": BAD, "slow": SLOW}.items():
                fields = {"dockerfile": text, "tags": f"shop/{name}:1"}
                reply = browser.submit("/engines/harbour/images/build/", fields)
                town.operations[name] = re.search(r"/operations/[0-9a-f-]{36}/", reply.url)[0]
            for name, word in {"good": "Succeeded", "bad": "Failed", "slow": "tick 3"}.items():
                path = town.operations[name] + ("log.txt" if name == "slow" else "")
                until(lambda path=path, word=word: word.lower() in browser.page(path).text.lower())
            terminal = f"/engines/harbour/containers/{town.container}/terminal/"
            browser.submit(terminal.replace("terminal/", "exec/"), {"command": "ls -l /"}, form=terminal)
            town.recording = re.search(
                r"/recordings/([0-9a-f-]{36})/", browser.page("/engines/harbour/recordings/").text
            )[1]
            yield town
        finally:
            browser.submit(f"{town.operations['slow']}cancel/", form="/operations/")
            docker(unix_host, "rm", "-f", *names)


_OTHERS = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from engines.models import Engine, EngineLimits, Grant, Tag, Team
Engine(name="Wreck", slug="wreck", url="unix:///nowhere/docker.sock", api_version="1.41").save()
Engine(name="Laid up", slug="laid-up", url="tcp://192.0.2.1:2376", api_version="1.41", enabled=False).save()
guest = User.objects.create_user("guest", password="correct-horse-battery")
ann = User.objects.create_user("ann.of-the-northern-approach@harbour.example.org", password="correct-horse-battery")
team = Team.objects.create(name="Operations of the northern approach", sso_group="docker-operations")
team.members.set([ann])
harbour, tag = Engine.objects.get(slug="harbour"), Tag.objects.create(name="production")
harbour.tags.add(tag)
EngineLimits.objects.create(engine=harbour, record_terminals=True)
yesterday = timezone.now() - timedelta(days=1)
Grant.objects.create(team=team, tag=tag, role=30)
Grant.objects.create(user=ann, engine=harbour, role=10)
Grant.objects.create(user=ann, engine=Engine.objects.get(slug="lighthouse"), role=20, expires_at=yesterday)
print("people", ann.pk, team.pk)
"""


def docker(host: Host, *arguments: str) -> str:
    argv = ["docker", "-H", f"unix://{host.engine.socket}", *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def inspect(host: Host, name: str, what: str) -> str:
    return docker(host, "inspect", "--format", what, name)


def containers(host: Host) -> list[str]:
    """Containers in several states; their names."""
    sleep = ["--stop-signal", "SIGKILL", "busybox:local", "sleep", "1000000"]
    check = ["--health-cmd", "echo well", "--health-interval", "1s"]
    docker(
        host, "run", "-d", "--name", "shown", "-p", "18080:80", "-e", "COLOUR=blue", "-l", "tier=web", *check, *sleep
    )
    docker(host, "run", "-d", "--name", "resting", *sleep)
    docker(host, "pause", "resting")
    docker(host, "create", "--name", HOSTILE, *sleep)
    docker(host, "run", "-d", "--name", "crashed", "busybox:local", "sh", "-c", CRASH)
    return ["shown", "resting", HOSTILE, "crashed"]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@dataclass(frozen=True)
class Place:
    """A page, by name; `wait` is a selector that says it is complete, `do` what one does there first."""

    name: str
    path: str
    wait: str = "main"
    do: Callable[[Page], object] = lambda page: None


def places(town: Harbour) -> list[Place]:
    done = "operation-log[data-status]"
    return [
        Place("fleet", "/", ".card"),
        Place("engine", "/engines/harbour/"),
        Place("engine-down", "/engines/wreck/"),
        Place("engine-disabled", "/engines/laid-up/"),
        Place("engine-add", "/engines/add/"),
        Place("engine-add-errors", "/engines/add/", "[aria-invalid=true]", wrong_engine),
        Place("engine-edit", "/engines/lighthouse/edit/"),
        Place("engine-remove", "/engines/laid-up/remove/"),
        Place("operations", "/operations/", "tbody tr"),
        Place("operations-none", "/operations/?q=zzz", ".empty"),
        Place("operation-good", town.operations["good"], done),
        Place("operation-failed", town.operations["bad"], f"{done} .step.open"),
        Place("operation-running", town.operations["slow"], "operation-log .step.open"),
        Place(
            "operation-raw",
            town.operations["good"],
            ".raw .line:not([hidden])",
            lambda page: page.click("[data-view=raw]"),
        ),
        Place("operation-search", town.operations["good"], ".marked", search),
        Place("build", "/engines/harbour/images/build/"),
        Place("build-errors", "/engines/harbour/images/build/", "[aria-invalid=true]", wrong_build),
        Place("containers", "/engines/harbour/containers/", "tbody tr"),
        Place("containers-chosen", "/engines/harbour/containers/", "output:text('selected')", choose),
        Place("containers-menu", "/engines/harbour/containers/", "#row-menu:popover-open", row_menu),
        Place("containers-none", "/engines/harbour/containers/?q=zzz", ".empty"),
        Place("containers-grouped", "/engines/harbour/containers/?grouped=1", "tbody[data-group]"),
        Place("containers-view", "/engines/harbour/containers/", "#columns:popover-open", view_of_list),
        Place("all-containers", "/containers/", ".silent"),
        Place("all-containers-none", "/containers/?q=zzz", ".empty"),
        Place("prune", "/engines/harbour/containers/prune/", "tbody tr"),
        Place("prune-errors", "/engines/harbour/containers/prune/?age=soon", "[aria-invalid=true]"),
        Place("stats", "/engines/harbour/stats/", "tbody tr .spark"),
        Place("container-stats", f"/engines/harbour/containers/{town.container}/stats/", "#stats .u-over"),
        Place("containers-down", "/engines/wreck/containers/"),
        Place("images", "/engines/harbour/images/", "tbody tr"),
        Place("image-pull", "/engines/harbour/images/pull/"),
        Place("container", f"/engines/harbour/containers/{town.container}/"),
        Place("container-inspect", f"/engines/harbour/containers/{town.container}/inspect/", ".hit", find_in_inspect),
        Place("container-processes", f"/engines/harbour/containers/{town.container}/processes/", "td code"),
        Place("container-files", f"/engines/harbour/containers/{town.container}/files/", "tbody tr"),
        Place(
            "container-files-upload",
            f"/engines/harbour/containers/{town.container}/files/?path=/etc",
            "#upload:popover-open",
            open_upload,
        ),
        Place("container-files-nothing", f"/engines/harbour/containers/{town.container}/files/?path=/nope", ".empty"),
        Place("container-file", f"/engines/harbour/containers/{town.container}/files/?path=/etc/passwd", ".held"),
        Place(
            "container-file-binary", f"/engines/harbour/containers/{town.container}/files/?path=/bin/busybox", ".held"
        ),
        Place(
            "container-file-edit",
            f"/engines/harbour/containers/{town.container}/files/edit/?path=/etc/passwd",
            "textarea",
        ),
        Place("container-folder-new", f"/engines/harbour/containers/{town.container}/files/new-folder/?path=/etc"),
        Place("container-changes", f"/engines/harbour/containers/{town.container}/changes/"),
        Place("container-export", f"/engines/harbour/containers/{town.container}/export/"),
        Place("container-health", f"/engines/harbour/containers/{town.container}/health/", ".probe td"),
        Place("container-why", "/engines/harbour/containers/crashed/why/", ".causes"),
        Place("container-logs", "/engines/harbour/containers/crashed/logs/?time=utc", "log-rows .said"),
        Place("container-logs-line", "/engines/harbour/containers/crashed/logs/", ".log-detail .tree", choose_line),
        Place(
            "container-logs-times",
            "/engines/harbour/containers/crashed/logs/",
            "#log-range:popover-open",
            lambda page: page.click("[popovertarget=log-range]"),
        ),
        Place("logs", "/engines/harbour/logs/", ".picks"),
        Place("logs-merged", "/engines/harbour/logs/?container=crashed&container=shown", "log-rows .said"),
        Place("container-new", "/engines/harbour/containers/create/?image=busybox:local"),
        Place("container-new-open", "/engines/harbour/containers/create/", "details[open]", unfold),
        Place("container-refused", "/engines/harbour/containers/create/", "#id_privileged_error", check_container),
        Place("container-paste", "/engines/harbour/containers/create/", "#paste:popover-open", open_paste),
        Place("container-pasted", "/engines/harbour/containers/create/", ".making", paste),
        Place("container-find-setting", "/engines/harbour/containers/create/", "details[open]", find_setting),
        Place("container-duplicate", f"/engines/harbour/containers/{town.container}/duplicate/", "#as-run"),
        Place("container-as", f"/engines/harbour/containers/{town.container}/as/", "#as-run"),
        Place("container-rename", f"/engines/harbour/containers/{town.container}/rename/"),
        Place("container-limits", f"/engines/harbour/containers/{town.container}/limits/"),
        Place(
            "container-limits-errors",
            f"/engines/harbour/containers/{town.container}/limits/",
            "[aria-invalid=true]",
            wrong_live_limits,
        ),
        Place("container-networks", f"/engines/harbour/containers/{town.container}/networks/", "tbody tr"),
        Place("container-commit", f"/engines/harbour/containers/{town.container}/commit/"),
        Place("container-wait", f"/engines/harbour/containers/{town.container}/wait/", ".notice.info"),
        Place("container-ended", "/engines/harbour/containers/crashed/wait/", ".notice.danger"),
        Place("container-edit", f"/engines/harbour/containers/{town.container}/edit/", "#as-run"),
        Place("container-review", f"/engines/harbour/containers/{town.container}/edit/", ".change code", review),
        Place("container-recreate", f"/engines/harbour/containers/{town.container}/recreate/"),
        Place("terminal", f"/engines/harbour/containers/{town.container}/terminal/", ".xterm-rows"),
        Place("terminal-open", f"/engines/harbour/containers/{town.container}/terminal/", "[data-open]", open_terminal),
        Place("terminal-command", f"/engines/harbour/containers/{town.container}/terminal/", ".ran", run_command),
        Place("terminal-stopped", "/engines/harbour/containers/crashed/terminal/", "#stopped"),
        Place("recordings", "/engines/harbour/recordings/", "tbody tr"),
        Place("recordings-none", "/engines/harbour/recordings/?q=zzz", ".empty"),
        Place("recording", f"/engines/harbour/recordings/{town.recording}/", "[data-play]:not([disabled])"),
        Place("limits", "/engines/harbour/limits/"),
        Place("limits-edit-errors", "/engines/harbour/limits/edit/", "#id_host_paths_error", wrong_limits),
        Place("limits-tried", "/engines/harbour/limits/", "section[aria-label=Trial] tbody tr", try_limits),
        Place("account", "/accounts/profile/"),
        Place("password", "/accounts/password/change/"),
        Place("factors", "/accounts/factors/", ".card"),
        Place("factor-app", "/accounts/factors/app/add/", ".qr"),
        Place("factor-passkey", "/accounts/factors/passkeys/add/"),
        Place("logins", "/accounts/logins/", "tbody tr"),
        Place("token-new", "/accounts/tokens/add/"),
        Place("token-made", "/accounts/tokens/add/", "#once", make_token),
        Place("tokens", "/accounts/tokens/", "tbody tr"),
        Place("confirm", "/accounts/confirm/?next=/"),
        Place("policy", "/users/policy/", ".notice.warning"),
        Place("audit", "/audit/", "tbody tr"),
        Place("audit-none", "/audit/?q=zzz", ".empty"),
        Place("audit-error", "/audit/?since=zzz", "[role=alert]"),
        Place("audit-of-engine", "/engines/harbour/audit/", "tbody tr"),
        Place("audit-act", "/audit/1/"),
        Place("users", "/users/", "tbody tr"),
        Place("users-none", "/users/?q=zzz", ".empty"),
        Place("user", f"/users/{town.person}/", ".badge.warning"),
        Place(
            "user-menu", f"/users/{town.person}/", "#more:popover-open", lambda page: page.click("[popovertarget=more]")
        ),
        Place("user-on-engine", f"/users/{town.person}/on/harbour/"),
        Place("user-delete", f"/users/{town.person}/delete/"),
        Place("invite", "/users/invite/"),
        Place("invite-error", "/users/invite/", "[aria-invalid=true]", taken_name),
        Place("teams", "/teams/", "tbody tr"),
        Place("teams-none", "/teams/?q=zzz", ".empty"),
        Place("team", f"/teams/{town.team}/", "tbody tr"),
        Place("team-add", "/teams/add/"),
        Place("team-delete", f"/teams/{town.team}/delete/"),
        Place("grant", f"/grants/add/?to=user-{town.person}"),
        Place("access", "/engines/harbour/access/", "tbody tr"),
        Place("not-found", "/nothing/"),
        Place("jump", "/engines/harbour/", "dialog[open] [role=option]", lambda page: page.keyboard.press("Control+k")),
        Place("account-menu", "/", "#account:popover-open", lambda page: page.click("[popovertarget=account]")),
        Place("confirm", "/engines/harbour/containers/", "dialog#confirm[open]", confirm),
    ]


def search(page: Page) -> None:
    page.wait_for_selector("operation-log[data-status]")
    page.fill("operation-log input", "line")


def make_token(page: Page) -> None:
    page.fill("input[name=name]", f"deploy {time.time()}")
    page.check("input[name=every_engine]")
    page.click("main form button[type=submit]")


def choose_line(page: Page) -> None:
    page.click("log-rows .line:has-text('licence') .what")


def find_in_inspect(page: Page) -> None:
    page.fill("[data-find]", "colour")


def open_terminal(page: Page) -> None:
    page.click("[data-begin] button")


def run_command(page: Page) -> None:
    page.fill("#run [name=command]", "sh -c 'echo out; echo err >&2; exit 4'")
    page.click("#run button")


def wrong_engine(page: Page) -> None:
    page.fill("input[name=name]", "Somewhere")
    page.fill("input[name=url]", "ftp://user:secret@example.com")
    send(page)


def wrong_build(page: Page) -> None:
    page.fill("textarea[name=dockerfile]", "RUN nothing")
    page.fill("textarea[name=tags]", "Not A Tag")
    send(page)


def taken_name(page: Page) -> None:
    page.fill("input[name=username]", "guest")
    page.click("main form button.primary")


def open_upload(page: Page) -> None:
    page.click("[popovertarget=upload]")


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true })")


def open_paste(page: Page) -> None:
    page.click("button[popovertarget=paste]")


def paste(page: Page) -> None:
    open_paste(page)
    page.fill("#pasted", "docker run -d --name web --sideways -p 8080:80 \\\n  -v data:/data --privileged nginx")
    page.click("#paste button")
    page.wait_for_selector("#preview-state .notice.info")


def find_setting(page: Page) -> None:
    page.fill("[data-find] input", "memory")


def check_container(page: Page) -> None:
    unfold(page)
    page.fill("input[name=image]", "busybox:local")
    page.check("input[name=privileged]")
    page.fill("textarea[name=mounts]", "/etc:/etc-of-the-host:ro\n/var/run/docker.sock:/run/docker.sock")
    page.click("button[name=check]")


def wrong_live_limits(page: Page) -> None:
    page.fill("input[name=cpuset_cpus]", "all")
    page.click("main .form button.primary")


def review(page: Page) -> None:
    page.fill("textarea[name=env]", "ADDED=1")
    page.click("form.create button.primary")
    page.wait_for_selector(".sides.whole", state="attached")
    unfold(page)


def wrong_limits(page: Page) -> None:
    page.fill("textarea[name=host_paths]", "/srv/data\n/var/run")
    page.click("main button.primary")


def try_limits(page: Page) -> None:
    page.click("main form button:has-text('Try')")


def send(page: Page) -> None:
    page.locator("main form").filter(has=page.locator("input[name=name], [name=dockerfile]")).locator(
        "button.primary"
    ).click()


def choose(page: Page) -> None:
    for box in page.locator("tbody input[name=id]").all()[:2]:
        box.check()


def view_of_list(page: Page) -> None:
    page.click("[popovertarget=columns]")


def row_menu(page: Page) -> None:
    page.locator("[data-row]").first.click()


def confirm(page: Page) -> None:
    choose(page)
    page.locator("button[value=remove][data-bulk]").click()


def faults(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands; on a phone also at a tablet's width and at the narrowest."""
    found = []
    size = page.viewport_size
    for width in (PHONE, TABLET, NARROWEST) if size["width"] == PHONE else (size["width"],):
        page.set_viewport_size({"width": width, "height": size["height"]})
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            found.append(f"{name}: {over} pixels too wide at {width}: {page.evaluate(WIDEST)}")
    page.set_viewport_size(size)
    page.evaluate(AXE.read_text())
    result = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    for one in result["violations"]:
        nodes = [f"{node['target']} {node['failureSummary'].splitlines()[-1].strip()}" for node in one["nodes"][:3]]
        found.append(f"{name}: {one['id']}: {nodes}")
    return found


WIDEST = """[...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 3).map((each) => each.outerHTML.slice(0, 120))"""


def picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page="dialog" not in name)


@pytest.mark.parametrize(("width", "dark"), [(DESK, False), (PHONE, True)], ids=["desk-light", "phone-dark"])
def test_every_page_fits_and_is_accessible(fresh, harbour: Harbour, width: int, dark: bool) -> None:
    page = fresh(harbour.stack.url, width=width, dark=dark)
    log_in(page)
    found = []
    for place in places(harbour):
        page.goto(place.path)
        place.do(page)
        page.wait_for_selector(place.wait)
        picture(page, f"{place.name}-{width}-{'dark' if dark else 'light'}")
        found += faults(page, place.name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("width", "dark"), [(DESK, True), (PHONE, False)], ids=["desk-dark", "phone-light"])
def test_logged_out_empty_and_refused_pages(fresh, empty: Stack, harbour: Harbour, width: int, dark: bool) -> None:
    page = fresh(harbour.stack.url, width=width, dark=dark)
    theme, found = "dark" if dark else "light", []

    def check(name: str, path: str) -> None:
        page.goto(path)
        picture(page, f"{name}-{width}-{theme}")
        found.extend(faults(page, name))

    check("login", "/accounts/login/")
    page.fill("input[name=login]", "guest")
    page.fill("input[name=password]", "wrong")
    page.click("button[type=submit]")
    page.wait_for_selector(".errors, .notice")
    picture(page, f"login-refused-{width}-{theme}")
    found += faults(page, "login-refused")
    check("setup-refused", "/setup/?token=wrong")
    log_in(page, "guest")
    check("fleet-of-a-guest", "/")
    check("forbidden", "/engines/add/")
    page = fresh(empty.url, width=width, dark=dark)
    log_in(page)
    check("fleet-empty", "/")
    check("operations-empty", "/operations/")
    if width == PHONE:
        page.click("[popovertarget=side]")
        page.wait_for_selector("#side:popover-open")
        picture(page, f"side-{width}-{theme}")
        found += faults(page, "side")
    assert not found, "\n".join(found)
