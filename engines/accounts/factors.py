"""Second factors: which may go, that a one-time code works once, and what a change of them ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.http import HttpRequest

from engines import access, hints
from engines.accounts import sessions
from engines.models import TotpStep
from engines.trail import write as trail

#: What of an Authenticator's `data` is encrypted, by its type.
SEALED = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


def seed_place(person_pk: int) -> str:
    """Where the seeds of this person are, for `engines.secrets`."""
    return f"authenticator.{person_pk}.seed"


def take_step(person: User) -> bool:
    """Mark the current time step as used by `person`; False when it, or a later one, was used before.

    In the database, so that it holds between processes and when the cache is lost.
    """
    step = int(time.time()) // app_settings.TOTP_PERIOD
    TotpStep.objects.get_or_create(user=person)
    return TotpStep.objects.filter(user=person, step__lt=step).update(step=step) == 1


def may_go(authenticator: Authenticator) -> bool:
    """Whether its owner would still have what the policy asks of them without this factor."""
    others = Authenticator.objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
    return (
        not access.second_factor_asked(authenticator.user)
        or others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
    )


@contextmanager
def change(request: HttpRequest, person: User, act: str, *, kind: str, name: str = "") -> Iterator[None]:
    """Change one's own factors in the block: written to the trail, and all other logins end afterwards."""
    parameters = {"type": kind, "name": name} if name else {"type": kind}
    with trail.act(act, by=person, subject=str(person), parameters=parameters):
        yield
    sessions.end_others(request, person)
    hints.tell(hints.announce_access)
