"""What engines say of containers, read tolerantly."""

import pytest

from engines.containers.listing import Choice, chosen
from engines.containers.types import Container, Detail, Port, masked

ENTRY = {
    "Id": "a" * 64,
    "Names": ["/web"],
    "Image": "shop/web:1",
    "State": "running",
    "Status": "Up 3 minutes (unhealthy)",
    "Created": 1_700_000_000,
    "Labels": {"com.docker.compose.project": "shop"},
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ],
}


def test_a_row_of_the_list():
    row = Container.from_api(ENTRY)
    assert (row.name, row.word, row.tone, row.group, row.project) == (
        "web",
        "running · unhealthy",
        "danger",
        "unhealthy",
        "shop",
    )
    assert [str(port) for port in row.ports] == ["8080→80", "53/udp"]


@pytest.mark.parametrize(
    ("state", "status", "word", "tone"),
    [
        ("running", "Up 3 minutes", "running", "success"),
        ("running", "Up 3 seconds (health: starting)", "running · starting", "info"),
        ("exited", "Exited (137) 2 hours ago", "exited · 137", "danger"),
        ("exited", "Exited (0) 2 hours ago", "exited · 0", "neutral"),
        ("paused", "Up 2 hours (Paused)", "paused", "warning"),
        ("dead", "Dead", "dead", "danger"),
        ("created", "Created", "created", "info"),
        ("", "", "unknown", "neutral"),
    ],
)
def test_states_in_words_and_tones(state, status, word, tone):
    row = Container.from_api({"State": state, "Status": status})
    assert (row.word, row.tone) == (word, tone)


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None], [{"a": 1}], True, 1 << 80, {"a": {"b": None}}])
def test_wrong_types_become_nothing(value):
    for key in ENTRY:
        Container.from_api({**ENTRY, key: value})
    inspect = {
        "State": value,
        "Config": value,
        "HostConfig": {"RestartPolicy": value, "Memory": value},
        "NetworkSettings": {"Ports": {"80/tcp": value}, "Networks": value},
        "Mounts": value,
        "Name": value,
    }
    Detail.from_api(inspect)
    Detail.from_api({"Config": {"Env": value, "Cmd": value, "Labels": value}, "NetworkSettings": value})


def test_an_inspect():
    detail = Detail.from_api(
        {
            "Id": "b" * 64,
            "Name": "/web",
            "State": {
                "Status": "exited",
                "ExitCode": 3,
                "FinishedAt": "2026-01-01T00:00:00Z",
                "StartedAt": "0001-01-01T",
            },
            "Config": {"Env": ["A=b=c", "EMPTY="], "Cmd": ["sh", "-c", "true"]},
            "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None}},
        }
    )
    assert (detail.word, detail.tone, detail.started) == ("exited · 3", "danger", None)
    assert detail.env == (("A", "b=c"), ("EMPTY", ""))
    assert detail.ports == (Port(80, 8080, "tcp", "0.0.0.0"), Port(81))


def test_a_masked_inspect_holds_no_value_that_may_be_secret_and_keeps_its_shape():
    secret = "hunter2"
    inspect = {
        "Id": "b" * 64,
        "Args": ["-c", secret],
        "Config": {
            "Env": [f"TOKEN={secret}", "EMPTY="],
            "Cmd": ["sh", "-c", secret],
            "Entrypoint": ["run", secret],
            "Healthcheck": {"Test": ["CMD-SHELL", f"curl -u {secret}"], "Retries": 3},
        },
        "HostConfig": {
            "LogConfig": {"Type": "splunk", "Config": {"splunk-token": secret, "max-file": "3"}},
            "Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Options": {"o": f"password={secret}"}}}}],
        },
    }
    shown = masked(inspect)
    assert secret not in str(shown)
    assert shown["Config"]["Env"] == ["TOKEN=••••••", "EMPTY=••••••"]
    assert shown["Config"]["Cmd"] == ["••••••"]
    assert shown["HostConfig"]["Mounts"][0]["VolumeOptions"]["DriverConfig"]["Options"] == {"o": "••••••"}
    assert masked({"Config": {"Cmd": ["sh", "-c", secret]}})["Config"]["Cmd"] == ["sh", "••••••"]
    assert shown["Config"]["Healthcheck"] == {"Test": ["CMD-SHELL", "••••••"], "Retries": 3}
    assert shown["HostConfig"]["LogConfig"]["Config"] == {"splunk-token": "••••••", "max-file": "3"}
    assert masked({"Config": None, "HostConfig": 3})["Args"] == []


def some() -> list[Container]:
    return [
        Container("1" * 64, "web", "nginx:1", "running", "Up", 300, labels={"tier": "front"}),
        Container("2" * 64, "db", "postgres:16", "exited", "Exited (1)", 200, exit_code=1),
        Container("3" * 64, "cache", "redis:7", "running", "Up", 100),
    ]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), ["cache", "db", "web"]),
        (Choice(q="POSTGRES"), ["db"]),
        (Choice(q="tier=front"), ["web"]),
        (Choice(q="333"), ["cache"]),
        (Choice(q="web nothing"), []),
        (Choice(state="running"), ["cache", "web"]),
        (Choice(sort="created"), ["web", "db", "cache"]),
        (Choice(sort="name", descending=True), ["web", "db", "cache"]),
        (Choice(sort="state"), ["cache", "web", "db"]),
    ],
)
def test_filter_and_sort(choice, names):
    assert [each.name for each in chosen(some(), choice).rows] == names


def test_counts_do_not_depend_on_the_chosen_state():
    listing = chosen(some(), Choice(state="exited"))
    assert listing.counts == [("running", 2), ("exited", 1)]
    assert listing.total == 3
