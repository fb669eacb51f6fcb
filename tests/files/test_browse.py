"""Folders and files of a container, on a real engine: whether it runs, and whatever programs it has."""

import html
import re

import pytest

from engines.client.connect import call, connect
from engines.files import queries
from engines.models import AuditEntry
from tests.files.conftest import fetch

pytestmark = pytest.mark.django_db

#: As a shell writes them, and as the page shows them.
HOSTILE = {
    "'a\nb'": "a\\nb",
    "'it'\\''s \"q\"'": 'it\'s "q"',
    "-rf": "-rf",
    "'x -> y'": "x -> y",
    "'<script>alert(1)'": "<script>alert(1)",
    "\"$(printf '\\342\\200\\256gnp.exe')\"": "\\u202egnp.exe",
    "\"$(printf '\\377\\376')\"": "\\xff\\xfe",
    "n" * 255: "n" * 255,
}


def files(container: str, path: str = "/", page: str = "") -> str:
    return f"/engines/real/containers/{container}/files/{page}?path={path}"


def text(reply) -> str:
    return html.unescape(reply.content.decode())


@pytest.fixture
def full(make, inside):
    """A container with a folder /h of hostile names, and a link and other kinds."""
    container = make("full", StopSignal="SIGKILL")
    names = " ".join(f"/h/{name}" if name != "-rf" else "/h/-rf" for name in HOSTILE)
    inside(container, f'mkdir -p /h/sub && for each in {names}; do echo held > "$each"; done')
    inside(container, "cd /h && ln -s /etc/passwd link && mkfifo pipe && chmod 1777 sub && chown 65534:65534 sub")
    return container


@pytest.mark.parametrize("state", ["running", "stopped", "paused"])
def test_a_folder_shows_every_name_whatever_the_container_does(enter, full, stop, unix_engine, state):
    if state == "stopped":
        stop(full)
    elif state == "paused":
        call(connect(unix_engine), "POST", f"/containers/{full}/pause")
    reply = enter("operator").get(files(full, "/h"))
    page = text(reply)
    assert [shown for shown in HOSTILE.values() if f"<bdi>{shown}</bdi>" not in page] == []
    assert "<script>alert" not in reply.content.decode()
    assert "drwxrwxrwt" in page and "prw-r--r--" in page and "<bdi>/etc/passwd</bdi>" in page
    assert ("nobody:nogroup" if state == "running" else "65534:65534") in page
    assert f"{len(HOSTILE) + 3} entries" in page


def test_every_name_leads_to_what_the_file_holds(enter, full):
    operator, found = enter("operator"), {}
    for row in operator.get(files(full, "/h")).content.decode().split('scope="row">')[1:]:
        address, name = re.search(r'href="([^"]+)"><bdi>(.*?)</bdi>', row).groups()
        found[html.unescape(name)] = text(operator.get(html.unescape(address)))
    unread = [name for name in HOSTILE.values() if "held\n</pre>" not in found[name]]
    # The engine itself gives nothing of it.
    assert unread == ["\\xff\\xfe"]
    assert "name is not UTF-8" in found["\\xff\\xfe"]


def test_what_has_no_programs_is_listed_from_its_archive(enter, bare):
    container = bare("bare-one")
    page = text(enter("operator").get(files(container, "/srv")))
    assert "<bdi>a.txt</bdi>" in page and "-rw-r-----" in page and "1000:0" in page
    assert "2 entries" in page and "<bdi>b</bdi>" not in page
    assert "archive" in page


def test_a_link_leads_on_to_where_it_leads(enter, full):
    reply = enter("operator").get(files(full, "/h/link"))
    assert reply.status_code == 302
    assert reply["Location"].endswith("?path=/etc/passwd")


def test_what_is_mounted_in_memory_is_listed_and_told(enter, make, inside):
    container = make("memory", HostConfig={"Tmpfs": {"/fast": ""}})
    inside(container, "echo x > /fast/there")
    operator = enter("operator")
    page = text(operator.get(files(container, "/fast")))
    assert "<bdi>there</bdi>" in page and "is in the memory of the running container" in page
    assert "does not read files here" in text(operator.get(files(container, "/fast/there")))
    assert "<bdi>status</bdi>" in text(operator.get(files(container, "/proc/1")))


@pytest.mark.parametrize("path", ["/nope", "/etc/passwd/x", "etc", "/a/../etc", "/etc%00", "/" + "x" * 5000])
def test_a_path_that_leads_nowhere_is_told_where_it_was_typed(enter, box, path):
    reply = enter("operator").get(files(box, path))
    assert reply.status_code == 404
    assert 'aria-invalid="true"' in text(reply)


def test_text_is_shown_in_its_encoding_and_bytes_as_hex(enter, box, place, inside):
    inside(box, f"cd {place}; printf 'caf\\351\\n' > latin; printf 'caf\\303\\251\\r\\n' > utf; : > empty")
    inside(box, f"cd {place}; printf 'a\\0b\\033' > bytes; yes 'a long line' | head -c 2000000 > large")
    inside(box, f"printf 'x\\342\\200\\256y\\033[2J' > {place}/tricky")
    operator = enter("operator")
    names = ("latin", "utf", "bytes", "empty", "large", "tricky")
    pages = {name: text(operator.get(files(box, f"{place}/{name}"))) for name in names}
    assert "café" in pages["latin"] and "Latin-1" in pages["latin"]
    assert "café" in pages["utf"] and "CRLF" in pages["utf"]
    assert "61 00 62 1b" in pages["bytes"] and "a.b." in pages["bytes"]
    assert "is empty" in pages["empty"]
    assert "The first 1.0 MiB of 1.9 MiB" in pages["large"] and "/files/edit/" not in pages["large"]
    assert "x\\u202ey\\x1b[2J" in pages["tricky"]


def test_endless_files_pipes_and_loops_are_never_read(enter, box, place, inside):
    inside(box, f"cd {place}; mknod device c 1 5; mkfifo pipe; ln -s loop loop; ln -s /nope dead")
    operator = enter("operator")
    for name in ("device", "pipe", "loop", "dead"):
        assert 'class="held"' not in text(operator.get(files(box, f"{place}/{name}"), follow=True))
        assert operator.get(files(box, f"{place}/{name}", "download/")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_file_is_downloaded_byte_for_byte_and_never_as_a_page(enter, box, place, inside):
    inside(box, f"cd {place}; (head -c 3000000 /dev/urandom; echo '<script>') > 'a\";x=\n.html'")
    status, headers, body = fetch(enter("operator"), files(box, f"{place}/a%22;x=%0A.html", "download/"))
    assert status == 200
    assert len(body) == 3000009 and body.endswith(b"<script>\n")
    assert headers["Content-Disposition"].startswith("attachment") and "\n" not in headers["Content-Disposition"]
    assert "sandbox" in headers["Content-Security-Policy"] and headers["Content-Type"] == "application/octet-stream"


@pytest.mark.django_db(transaction=True)
def test_a_folder_is_downloaded_as_a_tar_and_written_down(enter, bare, stop):
    container = bare("bare-two")
    stop(container)
    status, headers, body = fetch(enter("operator"), files(container, "/srv", "download/"))
    assert status == 200
    assert b"srv/a.txt" in body and b"hello\n" in body
    assert "srv.tar" in headers["Content-Disposition"]
    (noted,) = AuditEntry.objects.filter(act="container.files")
    assert noted.parameters == {"verb": "download", "path": "/srv"} and noted.subject == container


def test_reading_is_written_down_and_looking_into_a_folder_is_not(enter, box):
    operator = enter("operator")
    operator.get(files(box, "/etc"))
    operator.get(files(box, "/etc/passwd"))
    (noted,) = AuditEntry.objects.filter(act="container.files")
    assert noted.parameters == {"verb": "view", "path": "/etc/passwd"}


def test_viewers_read_no_file(enter, box):
    viewer = enter("viewer")
    for page in ("", "download/", "edit/"):
        assert viewer.get(files(box, "/etc/passwd", page)).status_code == 403
    assert "Files" not in text(viewer.get(f"/engines/real/containers/{box}/changes/"))


def test_what_reaches_into_its_host_is_read_by_managers_only(enter, make):
    container = make("reaching", HostConfig={"Binds": ["/etc:/host"]})
    assert enter("operator").get(files(container, "/etc")).status_code == 403
    assert enter("manager").get(files(container, "/etc")).status_code == 200


def test_a_container_that_is_gone_is_told(enter, make, unix_engine):
    container = make("leaving")
    call(connect(unix_engine), "DELETE", f"/containers/{container}", params={"force": "1"})
    assert enter("operator").get(files(container, "/etc")).status_code == 404


def test_names_are_filtered_and_sorted(enter, box, place, inside):
    inside(box, f"cd {place}; echo 1 > small; echo 1234567 > large; mkdir folder")
    operator = enter("operator")
    assert "1 entry" in text(operator.get(files(box, place) + "&q=SMA"))
    page = text(operator.get(files(box, place) + "&sort=-size"))
    assert page.index("<bdi>folder") < page.index("<bdi>large") < page.index("<bdi>small")


def test_a_folder_that_holds_too_much_is_cut_and_says_so(enter, box, place, inside, monkeypatch):
    monkeypatch.setattr(queries, "_LISTING_BYTES", 20_000)
    inside(box, f"cd {place}; seq 1000 | xargs touch")
    page = text(enter("operator").get(files(box, place)))
    assert "Not all of this folder is listed" in page and "<bdi>10" in page
