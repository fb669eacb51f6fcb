"""The Content-Security-Policy: on every answer, nothing inline but the import map, and that by its hash."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
#: What the policy would block, or what htmx would need eval for.
FORBIDDEN = re.compile(
    r"""<style\b|\sstyle=|\son[a-z]+=|hx-on\b|(?<!=")javascript:|["']js:|hx-trigger="[^"]*\w\[|<script(?![^>]*\ssrc=)""",
    re.IGNORECASE,
)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/nowhere/", "/healthz"])
def test_every_answer_carries_the_policy(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == parts["base-uri"] == parts["frame-ancestors"] == "'none'"
    assert parts["style-src"] == parts["connect-src"] == parts["form-action"] == "'self'"
    assert parts["img-src"] == "'self' data:"
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/=]{44}'", parts["script-src"])


@pytest.mark.django_db
def test_the_import_map_is_allowed_by_its_own_hash_and_names_files_that_exist(client):
    answer = client.get("/accounts/login/")
    (text,) = IMPORT_MAP.findall(answer.content)
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    names = json.loads(text)["imports"]
    assert "htmx" in names and "/static/js/main.js" in names


def test_no_template_holds_what_the_policy_blocks():
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for match in FORBIDDEN.finditer(path.read_text())
    ]
    assert found == []
