"""What the audit pages choose by and show."""

import re
from dataclasses import dataclass
from datetime import datetime

from engines.models import AuditEntry
from engines.permissions import Permission
from engines.trail.acts import ACTS

#: Chosen instead of an outcome: an intent without one.
UNFINISHED = "UNFINISHED"

#: Acts whose words do not follow from their name (`container.stop`: Stop container).
_WORDS = {
    "login": "Log in",
    "login.failed": "Failed login",
    "logout": "Log out",
    "password.link-used": "Set password by one-time link",
    "factor.add": "Add second factor",
    "factor.remove": "Remove second factor",
    "factor.reset": "Reset second factors",
    "token.create": "Create API token",
    "token.revoke": "Revoke API token",
    "request.forged": "Forged request",
    "user.reset": "Reset account",
    "user.administrator": "Change who is administrator",
    "user.end-sessions": "End all sessions",
    "user.provisioned": "User made by single sign-on",
    "team.member-add": "Add to team",
    "team.member-remove": "Take out of team",
    "policy.edit": "Edit second-factor policy",
    "secrets.rotate": "Rotate encryption key",
    "engine.trust": "Trust SSH host key",
    "engine.forget-host-key": "Forget SSH host key",
    "audit.export": "Export audit trail",
    "container.create-unlimited": "Create container beyond the limits",
    "container.enter-dangerous": "Enter container that reaches its host",
    "container.exec": "Exec in container",
    "container.attach": "Attach to container",
    "container.files": "Files of container",
    "container.logs": "Logs of container",
    "container.top": "Processes of container",
    "image.build-unlimited": "Build image beyond the limits",
    "network.connect": "Connect to network",
    "network.create-unlimited": "Create network beyond the limits",
    "volume.create-unlimited": "Create volume beyond the limits",
    "operation.cancel-own": "Cancel own operation",
    "operation.cancel-any": "Cancel operation of another",
    "access.view": "View who has access",
    "console.engines": "Administer engines",
    "console.access": "Administer access",
    "console.audit": "Read the whole audit trail",
}
_GROUPS = {
    "audit": "Audit trail",
    "build-cache": "Build cache",
    "factor": "Second factors",
    "login": "Logins",
    "logout": "Logouts",
    "token": "API tokens",
    "access": "Who has access",
    "policy": "Second-factor policy",
    "limits": "Limits",
    "secrets": "Encryption key",
    "swarm": "Swarm",
    "console": "Console",
}
_TONES = {
    "SUCCEEDED": "success",
    "FAILED": "danger",
    "DENIED": "danger",
    "LOST": "warning",
    UNFINISHED: "info",
}
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")


def words_of(act: str) -> str:
    """What `act` is called: `container.stop` is Stop container. Of an act no longer known, its name."""
    if act in _WORDS:
        return _WORDS[act]
    thing, _, verb = act.partition(".")
    return f"{verb} {thing}".replace("-", " ").strip().capitalize()


def group_of(act: str) -> str:
    return act.partition(".")[0]


def group_words(group: str) -> str:
    return _GROUPS.get(group) or f"{group.replace('-', ' ').capitalize()}s"


#: Group -> its acts, both by name.
ACTS_BY_GROUP: dict[str, list[str]] = {}
for _act in sorted({*map(str, ACTS), *map(str, Permission)}):
    ACTS_BY_GROUP.setdefault(group_of(_act), []).append(_act)


@dataclass(frozen=True)
class Choice:
    """Which acts are wanted; what is empty narrows nothing.

    `act` names one, or all of a group (`container.*`); `engine` is a primary key; `outcome` one of AuditEntry.Outcome
    or UNFINISHED; `since` is included, `until` is not; each of `words` must begin a word, or several, of the entry.
    """

    person: str = ""
    act: str = ""
    engine: int | None = None
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.act.removesuffix(".*") if self.act.endswith(".*") else ""


@dataclass(frozen=True)
class Act:
    """One act: `last` is its newest entry, `intent` the one before it where it has two.

    `engine` is the slug of its engine, `link` the address of its object; both empty where there is none any more.
    """

    last: AuditEntry
    intent: AuditEntry | None = None
    engine: str = ""
    link: str = ""

    @property
    def words(self) -> str:
        return words_of(self.last.act)

    @property
    def state(self) -> str:
        """Its outcome, or UNFINISHED."""
        return self.last.outcome or UNFINISHED

    @property
    def tone(self) -> str:
        """Of its badge."""
        return _TONES.get(self.state, "neutral")

    @property
    def subject(self) -> str:
        """Its object, where ids are shortened as everywhere."""
        subject = self.last.subject
        return subject[:12] if _CONTAINER_ID.fullmatch(subject) else subject

    @property
    def denied(self) -> bool:
        return self.last.outcome == AuditEntry.Outcome.DENIED

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it is not over, or has no length."""
        return (self.last.at - self.intent.at).total_seconds() if self.intent else None

    @property
    def entries(self) -> list[AuditEntry]:
        """Oldest first."""
        return [self.intent, self.last] if self.intent else [self.last]


@dataclass(frozen=True)
class Page:
    """Acts, newest first; `older` continues after them, None at the end."""

    acts: list[Act]
    older: int | None
