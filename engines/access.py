"""Who may do what where. The only code that reads Grant: pages, sockets and operations all ask here."""

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.utils import timezone

from engines.models import Engine, Grant
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role

Person = User | AnonymousUser


def can(user: Person, permission: Permission, engine: Engine | None = None) -> bool:
    """Whether `user` holds `permission` now, on `engine` or, for `console.*`, on the console.

    Reads the user row again, so that a person disabled a moment ago is refused whatever the caller holds.
    """
    person = _active(user)
    if person is None:
        return False
    if permission in CONSOLE_PERMISSIONS:
        return person.is_superuser
    if engine is None:
        return False
    role = _role(person, engine)
    return role is not None and permission in ROLE_PERMISSIONS[role]


def held(user: Person, engine: Engine) -> frozenset[Permission]:
    """Everything `user` may do on `engine` now: what a page may offer. Each act asks `can` again."""
    person = _active(user)
    role = None if person is None else _role(person, engine)
    return frozenset() if role is None else ROLE_PERMISSIONS[role]


def visible_engines(user: Person) -> QuerySet[Engine]:
    """The engines on which `user` holds any role."""
    person = _active(user)
    if person is None:
        return Engine.objects.none()
    if person.is_superuser:
        return Engine.objects.all()
    return Engine.objects.filter(pk__in=_grants(person).values("engine"))


def _active(user: Person) -> User | None:
    return User.objects.filter(pk=user.pk, is_active=True).first() if user.pk else None


def _role(person: User, engine: Engine) -> Role | None:
    if person.is_superuser:
        return Role.MANAGER
    strongest = _grants(person).filter(engine=engine).order_by("-role").values_list("role", flat=True).first()
    return None if strongest is None else Role(strongest)


def _grants(person: User) -> QuerySet[Grant]:
    unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return Grant.objects.filter(unexpired, Q(user=person) | Q(team__members=person))
