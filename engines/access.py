"""Who may do what where, and why. The only code that decides by Grant: pages, sockets and operations all ask here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.utils import timezone

from engines.models import AccessPolicy, ApiToken, Engine, Grant
from engines.permissions import CONSOLE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role

Person = User | AnonymousUser
#: What something that goes on takes of its person by now. Reads the database.
Needs = Callable[[], frozenset[Permission]]

#: Of an administrator, where people are ranked by their strongest role.
ADMINISTRATOR_RANK = 100


@dataclass(frozen=True)
class Reason:
    """Why somebody holds `role` on an engine: `grant` None for administrators of the console, who hold it anyway."""

    role: Role
    grant: Grant | None = None

    @property
    def expires_at(self) -> datetime | None:
        return self.grant.expires_at if self.grant else None

    def __str__(self) -> str:
        if self.grant is None:
            return "administrator of the console"
        who = f"team {self.grant.team}" if self.grant.team else "granted to the person"
        return f"{who}, on the tag {self.grant.tag}" if self.grant.tag else who


def can(user: Person, permission: Permission, engine: Engine | None = None) -> bool:
    """Whether `user` holds `permission` now, on `engine` or, for `console.*`, on the console.

    Reads the user row again, so that a person disabled a moment ago is refused whatever the caller holds.
    """
    person = _able(user)
    if person is None:
        return False
    if permission in CONSOLE_PERMISSIONS:
        return person.is_superuser
    if engine is None:
        return False
    role = _role(person, engine)
    return role is not None and permission in ROLE_PERMISSIONS[role]


def token_can(token: ApiToken, permission: Permission, engine: Engine) -> bool:
    """Whether `token` opens this now: its own role and engines, and never more than its owner holds there.

    What is about the console itself no token opens.
    """
    if permission in CONSOLE_PERMISSIONS or permission not in ROLE_PERMISSIONS[Role(token.role)]:
        return False
    if token.expires_at <= timezone.now() or not ApiToken.objects.filter(pk=token.pk).exists():
        return False
    if not token.every_engine and not token.engines.filter(pk=engine.pk).exists():
        return False
    return can(token.user, permission, engine)


def held(user: Person, engine: Engine) -> frozenset[Permission]:
    """Everything `user` may do on `engine` now: what a page may offer. Each act asks `can` again."""
    person = _able(user)
    role = None if person is None else _role(person, engine)
    if person is None or role is None:
        return frozenset()
    return ROLE_PERMISSIONS[role] | (CONSOLE_PERMISSIONS if person.is_superuser else frozenset())


def roles(user: Person) -> dict[int, Role]:
    """The role of `user` on each engine where they hold one, by the engine's key."""
    person = _able(user)
    if person is None:
        return {}
    if person.is_superuser:
        return dict.fromkeys(Engine.objects.values_list("pk", flat=True), Role.MANAGER)
    found: dict[int, Role] = {}
    for direct, tagged, role in _grants(person).values_list("engine", "tag__engines", "role").order_by("role"):
        if pk := direct or tagged:
            found[int(pk)] = Role(role)
    return found


def visible_engines(user: Person) -> QuerySet[Engine]:
    """The engines on which `user` holds any role."""
    person = _able(user)
    if person is None:
        return Engine.objects.none()
    if person.is_superuser:
        return Engine.objects.all()
    grants = _grants(person)
    return Engine.objects.filter(
        Q(pk__in=grants.values("engine"))
        | Q(pk__in=Engine.tags.through.objects.filter(tag__in=grants.values("tag")).values("engine"))
    )


def must_enrol(user: Person) -> bool:
    """Whether `user` has no second factor, though the policy asks one of people of their rank.

    Until they have one they hold no permission at all, in pages, sockets and operations alike.
    """
    person = _active(user)
    return person is not None and _lacks_factor(person)


def second_factor_asked(person: User) -> bool:
    """Whether the policy asks a second factor of people of this rank."""
    asked = AccessPolicy.objects.values_list("second_factor_from", flat=True).first()
    return asked is not None and asked != AccessPolicy.From.NOBODY and rank(person) >= asked


def has_factor(person: User) -> bool:
    """Whether `person` has a second factor. Recovery codes stand in for a lost one; they are none."""
    found = Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(found.exists())


def reasons(user: Person, engine: Engine) -> list[Reason]:
    """All that gives `user` a role on `engine` now, strongest first; the first decides. Not asked: second factor."""
    person = _active(user)
    if person is None:
        return []
    administrator = [Reason(Role.MANAGER)] if person.is_superuser else []
    grants = _grants(person).filter(_on(engine)).select_related("team", "user", "tag").distinct()
    return administrator + _by_strength(Reason(Role(grant.role), grant) for grant in grants)


def reasons_everywhere(user: Person) -> dict[Engine, list[Reason]]:
    """Each engine on which `user` has a role now, by name, with the same as `reasons` says of it."""
    person = _active(user)
    if person is None:
        return {}
    every = Engine.objects.all() if person.is_superuser else Engine.objects.none()
    found: dict[Engine, list[Reason]] = {engine: [Reason(Role.MANAGER)] for engine in every}
    grants = _grants(person).select_related("team", "user", "engine", "tag").distinct()
    for grant in grants.prefetch_related("tag__engines"):
        for engine in grant.tag.engines.all() if grant.tag else [grant.engine]:
            if engine is not None:
                found.setdefault(engine, []).append(Reason(Role(grant.role), grant))
    by_name = sorted(found.items(), key=lambda item: item[0].name.lower())
    return {engine: _by_strength(given) for engine, given in by_name}


def reachers(engine: Engine) -> list[tuple[User, list[Reason]]]:
    """Everybody with a role on `engine` now, by name, with what gives it to them."""
    grants = Grant.objects.filter(_unexpired(), _on(engine)).select_related("team", "user", "tag").distinct()
    found: dict[User, list[Reason]] = {
        user: [Reason(Role.MANAGER)] for user in User.objects.filter(is_active=True, is_superuser=True)
    }
    for grant in grants.prefetch_related("team__members"):
        for user in grant.team.members.all() if grant.team else [grant.user]:
            if user is not None and user.is_active:
                found.setdefault(user, []).append(Reason(Role(grant.role), grant))
    by_name = sorted(found.items(), key=lambda item: item[0].get_username().lower())
    return [(user, _by_strength(given)) for user, given in by_name]


def rank(person: User) -> int:
    """ADMINISTRATOR_RANK, the value of the strongest role on any engine or tag, or 0."""
    if person.is_superuser:
        return ADMINISTRATOR_RANK
    strongest = _grants(person).order_by("-role").values_list("role", flat=True).first()
    return strongest or 0


def _able(user: Person) -> User | None:
    """`user` as stored now, when active and, where the policy asks it, with a second factor."""
    person = _active(user)
    return None if person is None or _lacks_factor(person) else person


def _active(user: Person) -> User | None:
    return User.objects.filter(pk=user.pk, is_active=True).first() if user.pk else None


def _lacks_factor(person: User) -> bool:
    return second_factor_asked(person) and not has_factor(person)


def _role(person: User, engine: Engine) -> Role | None:
    if person.is_superuser:
        return Role.MANAGER
    strongest = _grants(person).filter(_on(engine)).order_by("-role").values_list("role", flat=True).first()
    return None if strongest is None else Role(strongest)


def _grants(person: User) -> QuerySet[Grant]:
    # May name a grant twice where joins meet: those who list them ask for distinct ones.
    return Grant.objects.filter(_unexpired(), Q(user=person) | Q(team__members=person))


def _unexpired() -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())


def _on(engine: Engine) -> Q:
    return Q(engine=engine) | Q(tag__engines=engine)


def _by_strength(given: Iterable[Reason]) -> list[Reason]:
    return sorted(given, key=lambda reason: -reason.role)
