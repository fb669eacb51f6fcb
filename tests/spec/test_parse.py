"""Pasted commands: what is taken, what is told, and that nothing raises."""

import random
import time
from dataclasses import replace

import pytest

from engines.spec.docker_run import text, unsaid
from engines.spec.parse import parse
from engines.spec.shell import first_command
from engines.spec.types import (
    DOCKER_RUN,
    ROTATION,
    ContainerSpec,
    Device,
    DeviceRequest,
    Healthcheck,
    Join,
    Mount,
    Port,
    Rate,
    Ulimit,
)
from tests.spec.everything import EVERYTHING


def words(text: str) -> list[str]:
    return [word.text for word in first_command(text).words]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        ("  # only a comment", []),
        ("# first\n\n docker  run\tx", ["docker", "run", "x"]),
        ("a \\\n  b\\\nc", ["a", "bc"]),
        ("a \\ \t\r\n  b", ["a", "b"]),
        ("a `\n b ^\r\n c", ["a", "b", "c"]),
        ("a \\", ["a"]),
        ("'a b'\"c d\"e", ["a bc de"]),
        ("''", [""]),
        ("a'\\n'", ["a\\n"]),
        ('"a\\"b\\\\c\\d\\\ne"', ['a"b\\c\\de']),
        ("a\\ b", ["a b"]),
        ("$'a\\n\\x1b\\u202e\\U0001F600\\101\\'\\\\\\q'", ["a\n\x1b\u202e😀A'\\q"]),
        ("$'\\U00110000\\ud800'", ["\ufffd\ufffd"]),
        ("a#b #c", ["a#b"]),
        ("a *.txt", ["a", "*.txt"]),
        ("a 2>&1", ["a"]),
    ],
)
def test_words_are_those_of_a_shell(text, read):
    assert words(text) == read


@pytest.mark.parametrize("end", ["; b", "&& b", "| b", "> b", "\nb", "& b", "(b)"])
def test_the_first_command_ends_where_a_shell_ends_it(end):
    command = first_command(f"a {end}")
    assert [word.text for word in command.words] == ["a"] and command.rest == end.strip()


@pytest.mark.parametrize("word", ["$HOME", "${A:-b c}", "$(id -u)", "`id -u`", '"x $A"', "~/x", "a$1", '"`id`"'])
def test_what_a_shell_would_replace_is_noticed_and_stays_as_it_stands(word):
    (only,) = first_command(word).words
    assert only.expands and only.text == word.strip('"')


@pytest.mark.parametrize("word", ["'$HOME'", "\\$HOME", '"\\$A"', "a~", "$", "$'$A'", "'`id`'"])
def test_what_is_quoted_is_not_replaced(word):
    (only,) = first_command(word).words
    assert not only.expands


@pytest.mark.parametrize("text", ["'a", '"a', "$'a", "a 'b"])
def test_an_open_quotation_is_told(text):
    assert first_command(text).unclosed


#: Options, and the fields they set.
OPTIONS = [
    ("--name web", {"name": "web"}),
    ("--name=web", {"name": "web"}),
    ("-it", {"interactive": True, "tty": True}),
    ("-itd", {"interactive": True, "tty": True}),
    ("-t=false -i=true", {"interactive": True}),
    ("--init=false --read-only --rm", {"read_only": True, "auto_remove": True}),
    ("-e A=b -eC=d --env E= -e=F=g", {"env": ("A=b", "C=d", "E=", "F=g")}),
    ("-dp8080:80", {"ports": (Port(80, 8080, address=""),)}),
    (
        "-p 80 -p 127.0.0.1::81/udp -p [::1]:82:82 -p :83:83",
        {"ports": (Port(80, 0, address=""), Port(81, 0, "udp"), Port(82, 82, address="::1"), Port(83, 83, address=""))},
    ),
    ("-p 8000-8001:90-91", {"ports": (Port(90, 8000, address=""), Port(91, 8001, address=""))}),
    ("-p 90-91", {"ports": (Port(90, 0, address=""), Port(91, 0, address=""))}),
    ("-p 9000-9005:80", {"ports": (Port(80, 9000, address="", public_end=9005),)}),
    ("--expose 80-81/udp --expose 9", {"expose": ("80/udp", "81/udp", "9/tcp")}),
    ("-l b=2 --label a --label b=3", {"labels": (("a", ""), ("b", "3"))}),
    ("--annotation a=b --sysctl x.y=1", {"annotations": (("a", "b"),), "sysctls": (("x.y", "1"),)}),
    ("-w /srv -u 1:2 -h web", {"working_dir": "/srv", "user": "1:2", "hostname": "web"}),
    ("--entrypoint sh", {"entrypoint": ("sh",)}),
    ("--entrypoint ''", {"entrypoint": ("",)}),
    ("--stop-timeout 0 --stop-signal QUIT", {"stop_timeout": 0, "stop_signal": "QUIT"}),
    ("--health-cmd 'a b' --health-interval 1m30s", {"healthcheck": Healthcheck(("CMD-SHELL", "a b"), 90_000_000_000)}),
    ("--health-retries=3 --health-timeout 0", {"healthcheck": Healthcheck(retries=3)}),
    ("--no-healthcheck", {"healthcheck": Healthcheck(("NONE",))}),
    ("--net shop", {"network": "shop"}),
    ("--network default", {}),
    (
        "--network shop --network-alias b --net-alias a --ip 10.0.0.9 --mac-address 02:00:00:00:00:01",
        {
            "network": "shop",
            "joins": (Join("shop", ("a", "b"), "10.0.0.9", mac_address="02:00:00:00:00:01"),),
        },
    ),
    (
        "--network 'name=shop,alias=b,alias=a,ip=10.0.0.9,\"driver-opt=k=1,2\"' --network back",
        {
            "network": "shop",
            "joins": (Join("back"), Join("shop", ("a", "b"), "10.0.0.9", driver_options=(("k", "1,2"),))),
        },
    ),
    ("--link db --link web:app", {"links": ("db:db", "web:app")}),
    ("--add-host a:192.0.2.1 --add-host b=[::1]", {"extra_hosts": ("a:192.0.2.1", "b:::1")}),
    (
        "--dns 192.0.2.1 --dns-opt x --dns-search y",
        {"dns": ("192.0.2.1",), "dns_options": ("x",), "dns_search": ("y",)},
    ),
    ("-v data:/data:ro", {"mounts": (Mount("volume", "data", "/data", True),)}),
    ("-v /data/", {"mounts": (Mount("volume", "", "/data"),)}),
    ("-v /a:/b:rslave,z,rw", {"mounts": (Mount("bind", "/a", "/b", options=("z",), propagation="rslave"),)}),
    ("-v data:/b:nocopy", {"mounts": (Mount("volume", "data", "/b", no_copy=True),)}),
    (
        "--tmpfs /run:size=64m,mode=700,exec",
        {"mounts": (Mount("tmpfs", "", "/run", False, ("exec",), 64 << 20, 0o700),)},
    ),
    (
        "--mount type=bind,src=/a,dst=/b,ro,bind-propagation=shared,bind-recursive=disabled",
        {"mounts": (Mount("bind", "/a", "/b", True, ("NonRecursive",), propagation="shared"),)},
    ),
    (
        "--mount 'source=v,target=/v,volume-nocopy,volume-opt=type=nfs,\"volume-opt=o=addr=1,rw\",volume-label=a=b'",
        {
            "mounts": (
                Mount(
                    "volume",
                    "v",
                    "/v",
                    no_copy=True,
                    driver_options=(("o", "addr=1,rw"), ("type", "nfs")),
                    labels=(("a", "b"),),
                ),
            )
        },
    ),
    (
        "--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777",
        {"mounts": (Mount("tmpfs", "", "/t", False, (), 1 << 20, 0o1777),)},
    ),
    ("--restart on-failure:3", {"restart": "on-failure", "restart_retries": 3}),
    ("--restart always", {"restart": "always"}),
    ("-m 512m --memory-swap -1 --shm-size=64", {"memory_bytes": 512 << 20, "memory_swap_bytes": -1, "shm_bytes": 64}),
    ("--memory-swappiness 0 --oom-score-adj -5", {"memory_swappiness": 0, "oom_score_adj": -5}),
    ("--cpus .5 -c 3 --pids-limit -1", {"nano_cpus": 500_000_000, "cpu_shares": 3}),
    ("--ulimit nofile=1:2 --ulimit core=-1", {"ulimits": (Ulimit("core", -1, -1), Ulimit("nofile", 1, 2))}),
    (
        "--device-read-bps /dev/sda:1mb --device-write-iops /dev/sda:9",
        {"device_read_bps": (Rate("/dev/sda", 1 << 20),), "device_write_iops": (Rate("/dev/sda", 9),)},
    ),
    ("--log-driver local --log-opt max-size=1m", {"log_driver": "local", "log_options": (("max-size", "1m"),)}),
    ("--cap-add net_admin --cap-add CAP_ALL --cap-drop=all", {"cap_add": ("ALL", "NET_ADMIN"), "cap_drop": ("ALL",)}),
    ("--security-opt no-new-privileges", {"new_privileges": False}),
    ("--security-opt no-new-privileges:false --security-opt label:disable", {"security_opt": ("label=disable",)}),
    (
        "--security-opt systempaths=unconfined --security-opt seccomp=unconfined",
        {"unmasked": True, "security_opt": ("seccomp=unconfined",)},
    ),
    (
        "--device /dev/a --device /dev/b:r --device /dev/c:/dev/d:rw",
        {"devices": (Device("/dev/a", "/dev/a"), Device("/dev/b", "/dev/b", "r"), Device("/dev/c", "/dev/d", "rw"))},
    ),
    ("--device vendor.example/gpu=all", {"device_requests": (DeviceRequest("cdi", ids=("vendor.example/gpu=all",)),)}),
    ("--gpus all", {"device_requests": (DeviceRequest(count=-1, capabilities=(("gpu",),)),)}),
    ("--gpus 2", {"device_requests": (DeviceRequest(count=2, capabilities=(("gpu",),)),)}),
    (
        "--gpus '\"device=0,1\",capabilities=utility,driver=nvidia'",
        {"device_requests": (DeviceRequest("nvidia", 0, ("0", "1"), (("utility", "gpu"),)),)},
    ),
    (
        "--pid host --ipc container:x --uts=host --cgroupns private",
        {"pid": "host", "ipc": "container:x", "uts": "host"},
    ),
    ("-a stdin --detach-keys x --sig-proxy=false -q --disable-content-trust", {}),
]


@pytest.mark.parametrize(("options", "sets"), OPTIONS)
def test_an_option_sets_its_field_and_nothing_else(options, sets):
    parsed = parse(f"docker run {options} app serve --name x")
    assert parsed.problems == ()
    assert parsed.spec == replace(DOCKER_RUN, image="app", command=("serve", "--name", "x"), **sets)


@pytest.mark.parametrize(
    "command",
    [
        "docker run app",
        "docker container run app",
        "$ docker run app",
        "sudo -E -u root docker run app",
        "A=b sudo docker run -- app",
        "/usr/bin/podman run app",
        "docker.exe run app",
    ],
)
def test_the_command_is_found_behind_what_people_put_before_it(command):
    assert parse(command).spec.image == "app" and parse(command).start and not parse(command).problems


def test_create_does_not_start_and_pull_is_told_apart():
    parsed = parse("docker create --pull=always app")
    assert (parsed.start, parsed.pull, parsed.problems) == (False, "always", ())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "no docker run"),
        ("docker ps", "no docker run"),
        ("rm -rf /", "no docker run"),
        ("docker run", "No image"),
        ("docker run 'x", "not closed"),
        ("docker run x | sh", "Only the first command"),
        ("docker -H tcp://y run x", "-H tcp://y"),
        ("docker run --bogus x", "--bogus: this option is not known"),
        ("docker run --bogus y x", "--bogus y: this option is not known"),
        ("docker run -Z x", "-Z: this option is not known"),
        ("docker run -e A x", "-e A: Its value is that of the shell"),
        ("docker run -e A=$B x", "A=$B: a shell would replace"),
        ("docker run --env-file f x", "--env-file f: The file"),
        ("docker run -v ./a:/b x", "-v ./a:/b: The path"),
        ("docker run -v C:\\\\a:/b x", "The path"),
        ("docker run -v a:b x", "-v a:b: Write"),
        ("docker run -p 0:80 x", "A port is a number"),
        ("docker run -p 1-65535 x", "at most 1000"),
        ("docker run -p 1-2:3-5 x", "as long as each other"),
        ("docker run -p abc x", "-p abc: Write"),
        ("docker run -p 99999999999999999999:80 x", "A port is a number"),
        ("docker run -m lots x", "-m lots: Write a number"),
        ("docker run -m 9999999999999g x", "-m 9999999999999g:"),
        ("docker run --cpus=-1 x", "--cpus -1: Write"),
        ("docker run --rm=maybe x", "--rm maybe: Write true or false"),
        ("docker run --mount type=bind,source=a,target=/b x", "absolute path"),
        ("docker run --mount type=npipe,source=/a,target=/b x", "a volume, a bind or a tmpfs"),
        ("docker run --mount '\"type=bind' x", "quotation mark"),
        ("docker run --mount type=volume,target=/b,bogus=1 x", "bogus is not known"),
        ("docker run --network alias=a x", "It has no name"),
        ("docker run --restart sometimes x", "--restart sometimes: Write"),
        ("docker run --security-opt seccomp=p.json x", "The profile is a file"),
        ("docker run --use-api-socket x", "--use-api-socket: The engine's own socket"),
        ("docker run --health-interval 5 x", "--health-interval 5: Write"),
        ("docker run --ulimit nofile x", "--ulimit nofile: Write"),
        ("docker run --gpus many x", "--gpus many: Write"),
        ("x" * 70_000, "longer than"),
    ],
)
def test_what_cannot_be_taken_over_is_told_by_its_word(command, said):
    (only,) = parse(command).problems
    assert said in only


def test_an_option_without_its_value_is_told():
    assert parse("docker run -d --name").problems == ("--name: its value is missing.", "No image is named.")


def test_the_longest_text_is_read_at_once():
    began = time.perf_counter()
    for piece in ("${", "$(", "`", "'", "\\\n", "a", "-e ${A}", " $A", "-p 1-999:1-999 ", "$'", '"', "{}", "--mount "):
        parse("docker run " + piece * (20_000 // len(piece)))
    # A fifth of this where nothing else runs.
    assert time.perf_counter() - began < 10


def test_what_is_wrong_leaves_the_rest():
    parsed = parse("docker run --bogus=1 -m lots --name web -p abc app serve")
    assert len(parsed.problems) == 3
    assert parsed.spec == replace(DOCKER_RUN, image="app", name="web", command=("serve",))


def test_what_is_not_said_is_as_in_the_base():
    base = ContainerSpec(image="", memory_bytes=512 << 20, pids=512)
    spec = parse("docker run -p 80:80 --log-opt tag=x app", base).spec
    assert (spec.memory_bytes, spec.pids, spec.new_privileges) == (512 << 20, 512, False)
    assert dict(spec.log_options) == {**dict(ROTATION), "tag": "x"}
    assert parse("docker run --log-driver syslog app", base).spec.log_options == ()
    assert parse("docker run --security-opt no-new-privileges=false -m 1g app", base).spec == replace(
        base, image="app", new_privileges=True, memory_bytes=1 << 30
    )


@pytest.mark.parametrize("multiline", [True, False])
def test_the_written_command_is_read_back(multiline):
    # Further words of an entry point become the first ones of the command; what nobody can say is told.
    spec = replace(EVERYTHING, entrypoint=("/bin/sh",), other=())
    parsed = parse(text(spec, multiline=multiline))
    assert (parsed.spec, parsed.problems, unsaid(spec)) == (spec, (), ())


def test_nothing_raises_and_everything_wrong_is_told():
    chance = random.Random(7)
    pieces = [
        *("docker", "run", "--", "-", "--network", "--mount", "--gpus", "-p", "-v", "-e", "-itd", "--rm"),
        *("'", '"', "\\", "$'", "$(", "${", "`", "\n", "\\\n", " ", "=", ":", ",", "/", "a", "1", "-1", "é", "\x00"),
        *("type=bind", "name=x,alias", "[::1]:80:80", "9" * 30, "1-2:3", "\u202e", "--log-opt", "--device", "#"),
        *("\ud800", ";", "~", "--health-cmd", "''"),
    ]
    for _ in range(3000):
        tail = "".join(chance.choice(pieces) + chance.choice(["", " "]) for _ in range(chance.randrange(12)))
        parsed = parse("docker run " + tail)
        assert parsed.spec.image or parsed.problems
        assert all(problem.strip() for problem in parsed.problems)
