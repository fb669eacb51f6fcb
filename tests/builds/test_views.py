"""The build form: what is typed or uploaded becomes a queued build, or an error where it was typed."""

import gzip
import html
import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engines.client.archive import read_text
from engines.models import Grant, Operation
from engines.operations import run, tasks
from engines.permissions import Role

pytestmark = pytest.mark.django_db

PAGE = "/engines/real/images/build/"
DOCKERFILE = "FROM busybox:local\nCOPY hello /hello\nRUN cat /hello\n"


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    monkeypatch.setattr(tasks.run_operation, "apply_async", lambda *_, **__: None)


@pytest.fixture
def client(row) -> Client:
    user = User.objects.create_user("author")
    Grant.objects.create(engine=row, user=user, role=Role.BUILDER)
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def tar(change: Callable[[tarfile.TarFile], None] | None = None) -> bytes:
    """A context with a Dockerfile and a file; `change` adds to it."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, text in (("./Dockerfile", DOCKERFILE), ("./hello", "hello from the context\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        if change:
            change(archive)
    return body.getvalue()


def zipped() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Dockerfile", DOCKERFILE)
        archive.writestr("hello", "hello from the context\n")
    return body.getvalue()


def text(reply) -> str:
    return html.unescape(reply.content.decode())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [tar(), gzip.compress(tar()), zipped()], ids=["tar", "tar.gz", "zip"])
def test_an_uploaded_context_is_built(client, body):
    context = SimpleUploadedFile("context", body)
    reply = client.post(PAGE, {"context": context, "tags": "from/upload", "no_cache": "on"})
    assert reply.status_code == 302, text(reply)
    operation = Operation.objects.get()
    run.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.sentence) == ("SUCCEEDED", "")
    assert operation.result["tags"] == ["from/upload:latest"]
    assert "hello from the context" in "".join(operation.chunks.values_list("text", flat=True))


def entry_of(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> Callable:
    def add(archive: tarfile.TarFile) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, size
        archive.addfile(entry, io.BytesIO(b"x" * max(size, 0)))

    return add


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (tar(entry_of("../../etc/cron.d/x")), "leads out"),
        (tar(entry_of("/etc/passwd")), "leads out"),
        (tar(entry_of("link", tarfile.SYMTYPE, "../../etc/passwd")), "leads out"),
        (tar(entry_of("device", tarfile.CHRTYPE)), "neither a file"),
        (tar(entry_of("pipe", tarfile.FIFOTYPE)), "neither a file"),
        (b"this is no archive", ""),
        (b"", "empty"),
        (gzip.compress(tar())[:60], ""),
    ],
    ids=["out", "absolute", "link out", "device", "pipe", "no archive", "nothing", "cut"],
)
def test_a_hostile_context_is_refused_at_its_field_and_nothing_is_left(client, body, said):
    before = set(settings.SPOOL_DIR.iterdir())
    reply = client.post(PAGE, {"context": SimpleUploadedFile("c.tar", body), "tags": "keep/me:1"})
    assert reply.status_code == 422
    assert 'id="id_context_error"' in text(reply)
    assert said in text(reply)
    assert "keep/me:1" in text(reply)
    assert set(settings.SPOOL_DIR.iterdir()) == before
    assert not Operation.objects.exists()


def test_a_dockerfile_as_text_is_spooled_without_carriage_returns(client):
    assert client.post(PAGE, {"dockerfile": "FROM busybox:local\r\nRUN true\r\n"}).status_code == 302
    spec = Operation.objects.get().spec
    assert read_text(settings.SPOOL_DIR / spec["context"], "Dockerfile") == "FROM busybox:local\nRUN true\n"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "dockerfile", "Write a Dockerfile here"),
        ({"dockerfile": "FROM a", "tags": "shop/UPPER"}, "tags", "lower-case"),
        ({"dockerfile": "FROM a", "tags": "a@sha256:" + "0" * 64}, "tags", "digest"),
        ({"dockerfile": "FROM a", "tags": "\n".join(f"a:{n}" for n in range(21))}, "tags", "At most 20"),
        ({"dockerfile": "FROM a", "build_args": "no separator"}, "build_args", "NAME=value"),
        ({"dockerfile": "FROM a", "build_args": "1X=y"}, "build_args", "NAME=value"),
        ({"dockerfile": "FROM a", "target": "../x"}, "target", "letters"),
        ({"dockerfile": "FROM a", "dockerfile_path": "../Dockerfile"}, "dockerfile_path", "inside the context"),
        ({"dockerfile": "FROM a", "builder": "other"}, "builder", "valid choice"),
        ({"dockerfile": "x" * ((1 << 20) + 1)}, "dockerfile", "1048576"),
    ],
)
def test_bad_input_is_told_where_it_was_typed(client, fields, field, said):
    reply = client.post(PAGE, fields)
    assert reply.status_code == 422
    assert f'id="id_{field}_error"' in text(reply)
    assert said in text(reply)
    assert not Operation.objects.exists()


def test_an_earlier_build_fills_the_form_for_whom_may_run_it_again(client, cast):
    client.post(PAGE, {"dockerfile": "FROM busybox:local\nRUN echo again\n", "tags": "a:1", "build_args": "A=b"})
    operation = Operation.objects.get()
    page = text(client.get(f"{PAGE}?from={operation.pk}"))
    assert "RUN echo again" in page
    assert "A=b" in page
    stranger = Client()
    stranger.force_login(cast["builder"], backend=settings.AUTHENTICATION_BACKENDS[0])
    assert "RUN echo again" not in text(stranger.get(f"/engines/harbour/images/build/?from={operation.pk}"))


@pytest.mark.parametrize("name", ["viewer", "operator"])
def test_who_may_not_build_gets_no_form(cast, name):
    client = Client()
    client.force_login(cast[name], backend=settings.AUTHENTICATION_BACKENDS[0])
    for reply in (client.get("/engines/harbour/images/build/"), client.post("/engines/harbour/images/build/", {})):
        assert reply.status_code == 403


def test_a_form_changed_after_going_back_is_another_build_and_leaves_the_first_alone(client):
    token = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    for text in ("FROM busybox:local\n", "FROM busybox:local\nRUN true\n", "FROM busybox:local\n"):
        client.post(PAGE, {"dockerfile": text, "form_token": token})
    contexts = [operation.spec["context"] for operation in Operation.objects.order_by("created_at")]
    texts = [read_text(settings.SPOOL_DIR / name, "Dockerfile") for name in contexts]
    assert texts == ["FROM busybox:local\n", "FROM busybox:local\nRUN true\n"]


def test_nobody_replaces_the_context_of_anothers_build_with_its_token(client, row):
    token = "6f9619ff-8b86-4d01-b42d-00cf4fc964fe"
    client.post(PAGE, {"dockerfile": "FROM busybox:local\n", "form_token": token})
    other = User.objects.create_user("other")
    Grant.objects.create(engine=row, user=other, role=Role.BUILDER)
    client.force_login(other, backend=settings.AUTHENTICATION_BACKENDS[0])
    client.post(PAGE, {"dockerfile": "FROM scratch\n", "form_token": token})
    first, second = Operation.objects.order_by("created_at")
    assert read_text(settings.SPOOL_DIR / first.spec["context"], "Dockerfile") == "FROM busybox:local\n"
    assert (second.created_by, first.spec["context"] != second.spec["context"]) == (other, True)
