"""What a container changed of its image, and the export of all it holds."""

import io
import tarfile

import pytest

from engines.files.changes import Change, Tree, counted
from engines.models import AuditEntry
from tests.files.conftest import fetch
from tests.files.test_browse import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed(make, inside):
    container = make("changed")
    inside(container, "mkdir -p /new/of && echo x > '/new/of/<b>\n' && echo y >> /etc/passwd && rm /etc/group")
    return container


def page(container: str, rest: str = "") -> str:
    return f"/engines/real/containers/{container}/changes/{rest}"


def test_changes_are_shown_as_a_tree_with_counts_also_to_viewers(enter, changed):
    shown = text(enter("viewer").get(page(changed)))
    assert "added (3)" in shown and "deleted (1)" in shown
    assert "<bdi><b>\\n</bdi>" in shown and "/files/" not in shown
    assert "?path=/new/of/%3Cb%3E%0A" in text(enter("operator").get(page(changed)))
    assert "<b>" not in enter("manager").get(page(changed)).content.decode()


def test_changes_are_chosen_by_kind_and_path(enter, changed):
    viewer = enter("viewer")
    assert "1 change against" in text(viewer.get(page(changed, "?kind=D")))
    assert "<bdi>group</bdi>" in text(viewer.get(page(changed, "?q=GROUP")))
    assert "No change matches" in text(viewer.get(page(changed, "?q=zzz")))


def test_changes_are_given_as_docker_diff_prints_them(enter, changed):
    reply = enter("viewer").get(page(changed, "text/?kind=D"))
    assert reply.content == b"D /etc/group\n"
    assert reply["Content-Disposition"].startswith("attachment")


def test_of_very_many_the_first_are_shown_and_all_are_counted():
    reply = [{"Path": f"/d/{number:05}", "Kind": 1} for number in range(20_000)] + [
        {"Path": "/d", "Kind": 0},
        {"Path": 3},
    ]
    changes = Change.from_api(reply)
    tree = Tree.of(changes)
    assert tree.more == len(changes) - 1500 == 20_001 - 1500
    assert tree.root.children["d"].totals == [("added", "success", 1499)]
    assert [number for *_, number in counted(changes)] == [20_000, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_an_export_is_all_files_and_is_written_down(enter, changed):
    operator = enter("operator")
    shown = text(operator.get(f"/engines/real/containers/{changed}/export/"))
    assert "MB" in shown and "changed.tar" in shown
    status, headers, body = fetch(operator, f"/engines/real/containers/{changed}/export/download/")
    assert status == 200 and "changed.tar" in headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.extractfile("etc/passwd").read().endswith(b"y\n")
    assert AuditEntry.objects.filter(act="container.export", subject=changed).count() == 1


def test_who_may_not_go_in_exports_nothing(enter, changed, make):
    viewer = enter("viewer")
    for rest in ("export/", "export/download/"):
        assert viewer.get(f"/engines/real/containers/{changed}/{rest}").status_code == 403
    reaching = make("reaching-too", HostConfig={"Binds": ["/etc:/host"]})
    assert enter("operator").get(f"/engines/real/containers/{reaching}/export/").status_code == 403
    assert "<code>/host</code>" in text(enter("manager").get(f"/engines/real/containers/{reaching}/export/"))
