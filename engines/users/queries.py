"""Reads for the pages about people."""

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When

from engines import access
from engines.models import Engine, Grant
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from engines.users.types import TONES, Group, Line

_NO_PASSWORD = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
_STANDING = Case(
    When(is_active=False, then=Value("disabled")),
    When(_NO_PASSWORD, last_login=None, then=Value("invited")),
    default=Value("active"),
)
#: What the list can be sorted by.
SORTS = ("username", "-username", "last_login", "-last_login")


def people(standing: str = "") -> QuerySet[User]:
    """Everybody, or those of one standing, with it as `standing`, and whether they have a second factor as `factor`."""
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    found = User.objects.annotate(standing=_STANDING, factor=Exists(factors)).prefetch_related("teams")
    return found.filter(standing=standing) if standing in TONES else found


def chosen(*, text: str, standing: str, sort: str) -> QuerySet[User]:
    """Those of this standing, if it is one, in whose name or teams' names `text` occurs."""
    found = people(standing)
    if text:
        found = found.filter(Q(username__icontains=text) | Q(teams__name__icontains=text)).distinct()
    return found.order_by(sort if sort in SORTS else "username", "pk")


def totals() -> list[tuple[str, str, int]]:
    """Each standing that occurs, its tone, and how many people have it."""
    rows = User.objects.annotate(standing=_STANDING).values_list("standing").annotate(number=Count("pk")).order_by()
    counts: dict[str, int] = {standing: number for standing, number in rows}
    return [(standing, tone, counts[standing]) for standing, tone in TONES.items() if counts.get(standing)]


def can_log_in() -> QuerySet[User]:
    """Everybody who is active and has a way in: a password, or a login elsewhere."""
    return User.objects.filter(~_NO_PASSWORD | Q(socialaccount__isnull=False), is_active=True)


def grants(person: User) -> QuerySet[Grant]:
    """What is granted to the person alone, expired ones too."""
    return person.grants.select_related("engine", "tag", "user").order_by("engine__name", "tag__name")


def permissions(person: User, engine: Engine) -> list[Group]:
    """Every permission there is, and whether `person` holds it on `engine` now."""
    held = access.held(person, engine)
    groups: dict[str, list[Line]] = {}
    for permission in Permission:
        title = permission.partition(".")[0].replace("-", " ").capitalize()
        groups.setdefault(title, []).append(Line(permission, permission in held, _given_by(permission)))
    return [Group(title, tuple(lines)) for title, lines in groups.items()]


def _given_by(permission: Permission) -> str:
    if permission in CONSOLE_PERMISSIONS:
        return "administrator"
    return next(role.name.lower() for role in Role if permission in ROLE_PERMISSIONS[role])
