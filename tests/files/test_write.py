"""What is written into containers, moved and deleted in them, on a real engine."""

import io
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engines.client.connect import call, connect
from engines.client.errors import EngineReplied
from engines.files import actions, queries
from engines.models import AuditEntry
from tests.files.test_browse import files, text
from tests.rig.proxy import Proxy

pytestmark = pytest.mark.django_db


def sent(client, container: str, folder: str, *uploads: tuple[str, bytes], **fields):
    given = [SimpleUploadedFile(name, content) for name, content in uploads]
    # As the browser's script sends it, so that the status says what became of it.
    return client.post(files(container, folder, "upload/"), {"file": given, **fields}, headers={"HX-Request": "true"})


@pytest.mark.parametrize("state", ["running", "stopped", "bare"])
def test_many_files_are_uploaded_with_the_owner_of_their_folder(enter, make, bare, stop, inside, row, state):
    container = bare("into-bare") if state == "bare" else make(f"into-{state}")
    folder = "/srv" if state == "bare" else "/own"
    if state != "bare":
        inside(container, "mkdir /own && chown 1000:1001 /own && chmod 750 /own")
    if state == "stopped":
        stop(container)
    reply = sent(enter("operator"), container, folder, ("one", b"1" * 700), ("-rf $(id)", b""))
    assert reply.status_code == 201, text(reply)
    one = queries.opened(row, container, f"{folder}/one", 1000)
    assert one.content == b"1" * 700
    assert (one.head.uid, one.head.mode) == (1000 if state != "bare" else 0, 0o644)
    assert queries.at(row, container, f"{folder}/-rf $(id)").size == 0
    assert [entry.parameters["verb"] for entry in AuditEntry.objects.filter(phase="OUTCOME")] == ["upload"] * 2


def test_what_is_there_is_replaced_only_when_said_so_and_keeps_mode_and_owner(enter, box, place, inside):
    operator = enter("operator")
    inside(box, f"cd {place}; echo old > it; chown 7:8 it; chmod 4750 it; mkdir folder; ln -s it link")
    assert sent(operator, box, place, ("it", b"new")).status_code == 409
    assert inside(box, f"cat {place}/it") == "old\n"
    assert sent(operator, box, place, ("it", b"new"), replace="1").status_code == 201
    assert inside(box, f"cd {place}; cat it; stat -c ' %a %u:%g' it") == "new 4750 7:8\n"
    for name in ("folder", "link"):
        assert sent(operator, box, place, (name, b"new"), replace="1").status_code == 409
    assert inside(box, f"readlink {place}/link") == "it\n"


def test_an_uploaded_file_lands_in_its_folder_whatever_it_is_called(enter, make, inside):
    container, operator = make("contained"), enter("operator")
    inside(container, "mkdir /box")
    before = inside(container, "find / -xdev | sort")
    for name in ("../../etc/x", "/etc/x", "..\\x", "a\r\nb"):
        sent(operator, container, "/box", (name, b"x"))
    new = set(inside(container, "find / -xdev | sort").splitlines()) - set(before.splitlines())
    assert new and all(path.startswith("/box/") for path in new)


@pytest.mark.parametrize("path", ["/a/../etc", "etc", "%00"])
def test_no_other_folder_is_written_to(enter, box, path):
    assert sent(enter("operator"), box, path, ("x", b"x")).status_code == 400


def test_where_nothing_can_be_written_it_is_told(enter, make):
    operator = enter("operator")
    closed = make("read-only", HostConfig={"ReadonlyRootfs": True, "Tmpfs": {"/fast": ""}})
    assert "marked read-only" in text(sent(operator, closed, "/etc", ("x", b"x")))
    # Beneath the mount it would be found by nobody.
    assert "/fast is in the memory" in text(sent(operator, closed, "/fast", ("x", b"x")))
    assert "no such folder" in text(sent(operator, closed, "/nope", ("x", b"x")))
    assert "read-only" in text(operator.get(files(closed, "/etc")))


class Failing(io.BytesIO):
    """The engine is cut off when so much of it was read."""

    def __init__(self, size: int, cut: Callable[[], object]) -> None:
        super().__init__(bytes(size))
        self._cut = cut

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 4 << 20:
            self._cut()
        return super().read(size)


def test_an_upload_whose_engine_goes_away_is_told_to_be_partial(row, box, place, tmp_path, unix_host, enter):
    with Proxy(tmp_path / "p.sock", unix_host.engine.socket) as proxy:
        row.url = f"unix://{tmp_path / 'p.sock'}"
        source, by = Failing(32 << 20, proxy.kill_all), person(enter("operator"))
        with pytest.raises(actions.NotDone, match="in part"):
            actions.upload(row, box, f"{place}/big", source, 32 << 20, by=by, replace=False)


def person(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def test_a_source_that_is_shorter_than_it_said_is_told(row, box, place, enter):
    source, by = io.BytesIO(bytes(1 << 20)), person(enter("operator"))
    with pytest.raises(actions.NotDone):
        actions.upload(row, box, f"{place}/short", source, 2 << 20, by=by, replace=False)


def test_large_uploads_take_no_memory(row, box, place, tmp_path, enter, inside):
    path, by = tmp_path / "large", person(enter("operator"))
    with path.open("wb") as sparse:
        sparse.truncate(192 << 20)
    most, ended, begin = [0], threading.Event(), resident()

    def watch() -> None:
        while not ended.wait(0.01):
            most[0] = max(most[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with path.open("rb") as source:
        actions.upload(row, box, f"{place}/large", source, 192 << 20, by=by, replace=False)
    ended.set()
    watcher.join()
    assert inside(box, f"stat -c %s {place}/large; rm {place}/large") == f"{192 << 20}\n"
    assert most[0] - begin < 48 << 20


def resident() -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) << 10


def seen_in(reply) -> str:
    """What the form says was read when it was made."""
    return re.search(r'name="seen" value="(\w+)"', reply.content.decode())[1]


def edit(client: Client, container: str, path: str, content: str, seen: str | None = None):
    seen = seen_in(client.get(files(container, path, "edit/"))) if seen is None else seen
    return client.post(files(container, path, "edit/"), {"content": content, "seen": seen})


def test_an_edited_file_keeps_its_line_ends_mode_and_owner(enter, box, place, inside):
    operator = enter("operator")
    inside(box, f"cd {place}; printf 'a\\r\\nb\\r\\n' > dos; printf 'a\\nb' > unix; chmod 600 unix; chown 5:6 unix")
    assert edit(operator, box, f"{place}/dos", "a\r\nc\r\n").status_code == 302
    assert edit(operator, box, f"{place}/unix", "\r\nä\r\nb").status_code == 302
    assert inside(box, f"od -An -c {place}/dos | tr -d ' \\n'") == "a\\r\\nc\\r\\n"
    assert inside(box, f"cd {place}; cat unix; stat -c ' %a %u:%g' unix") == "\nä\nb 600 5:6\n"


def test_what_somebody_changed_meanwhile_is_told_and_nothing_typed_is_lost(enter, box, place, inside):
    operator, path = enter("operator"), f"{place}/it"
    inside(box, f"echo first > {path}")
    seen = seen_in(operator.get(files(box, path, "edit/")))
    inside(box, f"echo theirs > {path}")
    reply = edit(operator, box, path, "mine", seen)
    assert reply.status_code == 409
    assert "mine</textarea>" in text(reply) and "theirs\n</pre>" in text(reply)
    assert inside(box, f"cat {path}") == "theirs\n"
    # Sent again, it goes over what was shown.
    assert edit(operator, box, path, "mine", seen_in(reply)).status_code == 302
    assert inside(box, f"cat {path}") == "mine"


def test_what_was_removed_meanwhile_is_told_and_made_anew_when_sent_again(enter, box, place, inside):
    operator, path = enter("operator"), f"{place}/it"
    inside(box, f"echo first > {path}")
    seen = seen_in(operator.get(files(box, path, "edit/")))
    inside(box, f"rm {path}")
    reply = edit(operator, box, path, "mine", seen)
    assert reply.status_code == 409 and "removed this file" in text(reply)
    assert edit(operator, box, path, "mine", "").status_code == 302
    assert inside(box, f"cat {path}") == "mine"


def test_what_a_form_would_damage_is_not_edited(enter, box, place, inside):
    operator = enter("operator")
    inside(box, f"cd {place}; printf 'a\\0b' > bytes; printf '\\377' > latin; printf 'a\\r\\nb\\n' > mixed")
    inside(box, f"head -c 300000 /dev/zero | tr '\\0' a > {place}/large")
    for name in ("bytes", "latin", "mixed", "large"):
        assert "/files/edit/" not in text(operator.get(files(box, f"{place}/{name}")))
        assert operator.get(files(box, f"{place}/{name}", "edit/")).status_code == 302


def test_too_much_or_what_the_engine_refuses_is_told_in_the_form(enter, box):
    operator = enter("operator")
    large = edit(operator, box, "/etc/passwd", "x" * (257 << 10))
    assert large.status_code == 422 and "at most" in text(large)
    # A file that is mounted cannot be replaced.
    busy = edit(operator, box, "/etc/hosts", "mine")
    assert busy.status_code == 422 and "mine</textarea>" in text(busy) and "busy" in text(busy)


def test_folders_are_made_things_renamed_and_deleted(enter, box, place, inside):
    operator = enter("operator")
    inside(box, f"cd {place}; chown 3:4 .; echo x > a; echo y > ./-rf; mkdir -p full/of/things")
    assert operator.post(files(box, place, "new-folder/"), {"name": "new"}).status_code == 302
    assert inside(box, f"stat -c '%F %u:%g %a' {place}/new") == "directory 3:4 755\n"
    assert operator.post(files(box, place, "new-folder/"), {"name": "new"}).status_code == 422
    assert operator.post(files(box, f"{place}/a", "rename/"), {"to": "b c"}).status_code == 302
    assert operator.post(files(box, f"{place}/-rf", "rename/"), {"to": f"{place}/new/d"}).status_code == 302
    assert operator.post(files(box, f"{place}/b%20c", "rename/"), {"to": "new"}).status_code == 422
    assert inside(box, f"cd {place}; cat 'b c' new/d") == "x\ny\n"
    assert operator.post(files(box, place, "delete/"), {"id": ["b%20c", "full"]}).status_code == 302
    assert inside(box, f"ls {place}") == "new\n"


def test_nothing_outside_of_the_folder_is_deleted(enter, box, inside):
    operator = enter("operator")
    for name in ("..", ".", "", "a/b", "%2Fetc", "..%2Fetc"):
        operator.post(files(box, "/tmp", "delete/"), {"id": [name]})
    assert inside(box, "ls -d /etc /tmp") == "/etc\n/tmp\n"


def test_what_takes_a_program_is_told_where_none_runs(enter, make, bare, stop):
    operator, stopped = enter("operator"), make("stopped")
    stop(stopped)
    for container, path in ((stopped, "/etc"), (bare("without"), "/srv")):
        reply = operator.post(files(container, path, "delete/"), {"id": ["x"]}, follow=True)
        assert "takes the program rm" in text(reply)
        assert "takes the program mv" in text(operator.post(files(container, f"{path}/x", "rename/"), {"to": "y"}))


def test_viewers_change_nothing(enter, box):
    viewer = enter("viewer")
    for page in ("upload/", "new-folder/", "rename/", "delete/", "edit/"):
        assert viewer.post(files(box, "/etc/passwd", page), {"to": "x", "id": "x"}).status_code == 403


def test_a_container_removed_meanwhile_is_told(row, make, unix_engine, enter):
    container, by = make("lost"), person(enter("operator"))
    call(connect(unix_engine), "DELETE", f"/containers/{container}", params={"force": "1"})
    with pytest.raises((actions.NotDone, EngineReplied)):
        actions.upload(row, container, "/x", io.BytesIO(b"x"), 1, by=by, replace=False)
