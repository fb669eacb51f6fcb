"""`make demo`: the console with private Docker Engines of its own, registered and filled. One Ctrl-C ends all.

What is registered and built stays in var/demo, or the directory named as argument; the engines and what is in them are
new each time.
"""

# ruff: noqa: E402 (the settings are chosen before they are read)

import os
import secrets
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

# Never the data of a real console, whatever the environment says.
os.environ["PILOTHOUSE_DATA"] = (sys.argv + [str(Path(__file__).resolve().parents[2] / "var" / "demo")])[1]
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)
os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"

import django

django.setup()

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections

from engines.management import preparation
from engines.management.commands.up import check_port
from engines.models import Engine, Grant, Tag, Team
from engines.permissions import Role
from tests.rig.cell import missing
from tests.rig.fleet import Fleet, Member
from tests.rig.remains import private_directory

_ADMINISTRATOR = "admin"
#: Whom the demo shows roles with: name -> team, and the team's role on the engines with a tag.
_PEOPLE = {
    "vera": ("Support", Role.VIEWER, "production"),
    "olga": ("Night shift", Role.OPERATOR, "production"),
    "ben": ("Shop", Role.BUILDER, "staging"),
    "mara": ("Platform", Role.MANAGER, "production"),
}


def main() -> None:
    if lacks := missing():
        raise CommandError(f"The demo's engines need {', '.join(lacks)}: run `make demo` as root on Debian.")
    check_port()
    preparation.migrate()
    password = _administrator()
    print("Starting three private Docker Engines and a registry …", flush=True)
    with ExitStack() as stack:
        run_dir = private_directory("demo")
        stack.callback(shutil.rmtree, run_dir)
        fleet = stack.enter_context(Fleet(run_dir))
        for member in fleet.members:
            _register(member)
        _people(password)
        connections.close_all()
        print(f"{fleet.describe()}\nLog in as {_ADMINISTRATOR} with the password {password}", flush=True)
        print(f"The same password: {', '.join(_PEOPLE)} (see their roles under Users).", flush=True)
        # In this process: the engines live as long as it does.
        call_command("up")


def _administrator() -> str:
    """The administrator's new password; earlier ones stop working."""
    password = secrets.token_urlsafe(12)
    user, _ = User.objects.get_or_create(username=_ADMINISTRATOR)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    return password


def _people(password: str) -> None:
    """Engines with tags, and a team with a role for each of _PEOPLE."""
    for number, engine in enumerate(Engine.objects.order_by("pk")):
        engine.tags.add(Tag.objects.get_or_create(name="staging" if number == 0 else "production")[0])
    for name, (team, role, tag) in _PEOPLE.items():
        user, _ = User.objects.get_or_create(username=name)
        user.set_password(password)
        user.save()
        row, _ = Team.objects.get_or_create(name=team)
        row.members.add(user)
        Grant.objects.get_or_create(team=row, tag=Tag.objects.get(name=tag), defaults={"role": role})


def _register(member: Member) -> None:
    engine = Engine.objects.filter(slug=member.name).first() or Engine(slug=member.name)
    engine.name = member.name.replace("-", " ").capitalize()
    engine.url, engine.api_version, engine.enabled = member.url, member.endpoint.api_version, True
    tls, ssh = member.endpoint.tls, member.endpoint.ssh
    if tls is not None:
        engine.tls_ca, engine.tls_cert, engine.tls_key = tls.ca, tls.cert, tls.key
    if ssh is not None:
        engine.ssh_key, engine.ssh_host_key = ssh.key, ssh.host_key
    engine.save()


if __name__ == "__main__":
    try:
        main()
    except CommandError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted; everything that was started is gone.")
