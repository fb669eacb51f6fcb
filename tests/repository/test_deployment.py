"""The deployment files, held against the code. Read as text, since no YAML parser is among the dependencies."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def section(name: str) -> str:
    """The lines below the top-level key `name`, up to the next one."""
    found = re.search(rf"^{name}:.*\n((?:(?:[ #].*)?\n)*)", COMPOSE, re.MULTILINE)
    assert found, name
    return found.group(1)


def services() -> dict[str, str]:
    parts = re.split(r"^  (\w+):\n", section("services"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_process_of_the_console_is_a_service():
    assert set(services()) == {"prepare", "web", "worker", "watcher", "beat", "redis", "postgres"}


def test_every_lasting_service_has_a_health_check_and_restarts():
    for name, text in services().items():
        if name != "prepare":
            assert "healthcheck:" in text, name
            assert "restart: unless-stopped" in text or "<<: *console" in text, name


def test_the_console_runs_without_privileges():
    shared = section("x-console")
    for line in ("read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]'):
        assert line in shared
    assert re.search(r"^USER (?!root|0\b)\w+", DOCKERFILE, re.MULTILINE)


def test_images_are_pinned_and_name_no_host():
    images = re.findall(r"^\s*image: (\S+)", COMPOSE, re.MULTILINE)
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) >= 5
    for image in images:
        assert re.fullmatch(r"[a-z]+:[\w.-]+", image), image
        assert not image.endswith(":latest")


def test_every_setting_named_there_is_documented():
    names = re.findall(r"^    ((?:PILOTHOUSE|DATABASE|REDIS)_\w+|PORT):", section("x-console"), re.MULTILINE)
    names += re.findall(r"(PILOTHOUSE_\w+)=", DOCKERFILE)
    readme = (ROOT / "README.md").read_text()
    assert "DATABASE_URL" in names
    assert [name for name in names if f"`{name.removesuffix('_FILE')}`" not in readme] == []


def test_no_secret_is_written_down():
    assert (
        re.findall(r"(?i)^\s+\w*(?:password|secret|key)\w*: (?!/run/secrets/|\./secrets/|\[)\S+", COMPOSE, re.MULTILINE)
        == []
    )


def test_database_and_redis_are_on_the_inner_network_alone():
    assert "internal: true" in section("networks")
    for name in ("redis", "postgres"):
        assert "networks: [inside]" in services()[name]
        assert "ports:" not in services()[name]


def test_only_what_the_image_needs_is_sent_to_its_build():
    rules = (ROOT / ".dockerignore").read_text().split()
    assert rules[0] == "*"
    copied = re.search(r"^COPY requirements.txt", DOCKERFILE, re.MULTILINE)
    assert copied
    assert {rule[1:] for rule in rules if rule.startswith("!")} >= {"console", "engines", "static", "templates"}


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_accepts_the_file():
    run = subprocess.run(["docker-compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
