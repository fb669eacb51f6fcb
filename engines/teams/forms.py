"""Forms of teams and grants. Each lists all that it takes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from engines.models import Engine, Grant, Tag, Team
from engines.permissions import Role
from engines.teams import queries
from engines.teams.types import Gift

_ROLES = [(role.value, role.name.lower()) for role in Role]


class TeamForm(forms.Form):
    """A new team, or changes of `team`."""

    name = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    sso_group = forms.CharField(
        required=False,
        max_length=255,
        label="Group of the identity provider",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
        help_text="Who logs in by single sign-on is a member while in this group. Empty: members are added by hand.",
    )

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Team.objects.exclude(pk=self.team.pk) if self.team else Team.objects.all()
        if not name.isprintable():
            raise forms.ValidationError("The name may hold printable characters only.")
        if others.filter(name__iexact=name).exists():
            raise forms.ValidationError("Another team has this name.")
        return name


class MemberForm(forms.Form):
    """Who is added to `team`."""

    person = forms.ModelChoiceField(queryset=User.objects.none(), label="Add somebody", empty_label="Choose a person")

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people: QuerySet[User] = queries.others(team)
        self.fields["person"].queryset = self.people  # type: ignore[attr-defined]  # of this kind of field


class RoleForm(forms.Form):
    """A role and its end."""

    role = forms.TypedChoiceField(
        choices=_ROLES,
        coerce=lambda value: Role(int(value)),
        help_text="A manager can make containers that are root on the engine's host.",
    )
    expires_at = forms.DateTimeField(
        required=False,
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Date and time in UTC. Empty: until somebody takes it back.",
    )

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("Give a time that is still to come, or none.")
        return expires_at


class EditForm(RoleForm):
    """Changes of a grant, as it was in `version`."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class GrantForm(RoleForm):
    """A new grant. `to` and `on` are `team-3`, `user-5`, `engine-1` or `tag-2`."""

    to = forms.ChoiceField(label="To")
    on = forms.ChoiceField(label="On")
    field_order = ("to", "on", "role", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("username")
        self.fields["to"].choices = [  # type: ignore[attr-defined]  # of this kind of field
            ("", "Choose a team or person"),
            ("Teams", _choices("team", Team.objects.all())),
            ("People", _choices("user", people)),
        ]
        self.fields["on"].choices = [  # type: ignore[attr-defined]  # of this kind of field
            ("", "Choose an engine or tag"),
            ("All engines with the tag", _choices("tag", Tag.objects.all())),
            ("Engines", _choices("engine", Engine.objects.only("name"))),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"to", "on"} <= cleaned.keys() and Grant.objects.filter(**self._columns("to", "on")).exists():
            self.add_error("on", "A role is granted there already: change that one.")
        return cleaned

    def gift(self) -> Gift:
        """What the valid form says."""
        fields = self.cleaned_data
        return Gift(self._columns("to"), self._columns("on"), fields["role"], fields["expires_at"])

    def _columns(self, *names: str) -> dict[str, int]:
        parts = (self.cleaned_data[name].split("-") for name in names)
        return {f"{kind}_id": int(pk) for kind, pk in parts}


def _choices(kind: str, rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [(f"{kind}-{row.pk}", str(row)) for row in rows]
