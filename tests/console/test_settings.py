"""Settings as an operator gives them: each start reads the environment anew, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from console import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def read(tmp_path: Path, *names: str, **environment: str) -> dict:
    run = start(tmp_path, *names, **environment)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def start(tmp_path: Path, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        cwd=ROOT,
        env={"PILOTHOUSE_DATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_plain_http_on_the_loopback_interface_by_default(tmp_path):
    found = read(tmp_path, "BIND", "ORIGINS", "SESSION_COOKIE_NAME", "SECURE_SSL_REDIRECT", "PROXIES", PORT="8123")
    assert found == {
        "BIND": "127.0.0.1",
        "ORIGINS": ["http://127.0.0.1:8123", "http://localhost:8123"],
        "SESSION_COOKIE_NAME": "pilothouse_sid",
        "SECURE_SSL_REDIRECT": False,
        "PROXIES": 0,
    }


def test_behind_tls_cookies_are_bound_to_the_host(tmp_path):
    names = ("PUBLIC_URL", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    found = read(tmp_path, *names, PILOTHOUSE_TLS="1", PILOTHOUSE_HOSTS="console.example")
    assert found["PUBLIC_URL"] == "https://console.example"
    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("__Host-sid", "__Host-csrf")
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["SECURE_HSTS_SECONDS"] == 365 * 24 * 60 * 60


def test_a_private_redis_on_a_unix_socket_by_default(tmp_path):
    found = read(tmp_path, "PRIVATE_REDIS", "REDIS_URL", "CELERY_BROKER_URL")
    assert found["PRIVATE_REDIS"] is True
    assert found["REDIS_URL"].startswith("unix:///")
    assert found["CELERY_BROKER_URL"] == "redis+socket://" + found["REDIS_URL"].removeprefix("unix://")


def test_a_named_redis_is_used_by_all(tmp_path):
    found = read(tmp_path, "PRIVATE_REDIS", "CELERY_BROKER_URL", "CACHES", REDIS_URL="redis://redis:6379/0")
    assert found["PRIVATE_REDIS"] is False
    assert found["CELERY_BROKER_URL"] == "redis://redis:6379/0"
    assert found["CACHES"]["default"]["LOCATION"] == "redis://redis:6379/0"


def test_the_database_s_password_may_come_from_a_file_of_its_own(tmp_path):
    (tmp_path / "password").write_text("s3cr3t\n")
    environment = {"DATABASE_URL": "postgres://u@db/name", "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    database = read(tmp_path, "DATABASES", **environment)["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"], database["PASSWORD"]) == (
        "django.db.backends.postgresql",
        "db",
        "s3cr3t",
    )


def test_values_that_make_no_sense_stop_the_start_by_name(tmp_path):
    for name, value in {
        "PORT": "eighty",
        "REDIS_URL": "http://redis",
        "PILOTHOUSE_HOSTS": "*",
        "PILOTHOUSE_UPLOAD_BYTES": "-1",
    }.items():
        run = start(tmp_path, **{name: value})
        assert run.returncode != 0
        assert f"ImproperlyConfigured: {name}:" in run.stderr


def test_django_has_nothing_to_object_to_behind_tls(tmp_path):
    run = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PILOTHOUSE_DATA": str(tmp_path), "PILOTHOUSE_TLS": "1", "PILOTHOUSE_HOSTS": "console.example"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 0, run.stderr


def test_nothing_of_the_environment_turns_debugging_on(tmp_path):
    loud = {name: "1" for name in ("DEBUG", "DJANGO_DEBUG", "PILOTHOUSE_DEBUG")}
    assert read(tmp_path, "DEBUG", **loud) == {"DEBUG": False}


def test_a_key_file_that_others_may_read_stops_the_start(tmp_path):
    read(tmp_path, "DEBUG")
    (tmp_path / "keys" / "secrets.key").chmod(0o644)
    run = start(tmp_path, "DEBUG")
    assert run.returncode != 0
    assert "secrets.key: other users may read this key file; run chmod 600 on it" in run.stderr


def test_a_log_server_that_is_none_stops_the_start(tmp_path):
    for good in ("tcp://log.example:601", "udp://[::1]:514", "unix:///dev/log"):
        assert read(tmp_path, "AUDIT_SYSLOG", PILOTHOUSE_AUDIT_SYSLOG=good) == {"AUDIT_SYSLOG": good}
    for bad in ("log.example:601", "tls://log.example:601", "tcp://log.example", "tcp://log.example:99999", "unix://x"):
        run = start(tmp_path, PILOTHOUSE_AUDIT_SYSLOG=bad)
        assert run.returncode != 0 and "PILOTHOUSE_AUDIT_SYSLOG: udp://host:port" in run.stderr
