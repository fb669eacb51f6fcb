"""What the account pages ask of the database."""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User

from engines import access
from engines.models import Engine


def administrator_exists() -> bool:
    """Whether anybody can administer this console; from then on the set-up page is gone."""
    return User.objects.filter(is_superuser=True, is_active=True).exists()


def ranks_without_factor() -> list[int]:
    """The rank of everybody who is active and has no second factor."""
    having = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).values("user")
    return [access.rank(person) for person in User.objects.filter(is_active=True).exclude(pk__in=having)]


def reach_of(person: User) -> list[tuple[Engine, list[access.Reason]]]:
    """Every engine on which `person` holds a role, by name, with what gives it to them; the first reason decides."""
    engines = access.visible_engines(person).order_by("name")
    return [(engine, access.reasons(person, engine)) for engine in engines]


def is_connected(person: User) -> bool:
    """Whether `person` can log in by single sign-on."""
    return bool(SocialAccount.objects.filter(user=person).exists())
