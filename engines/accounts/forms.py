"""Forms of the account pages."""

from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User
from django.forms import BaseForm, Form, RadioSelect, TypedChoiceField

from engines.models import AccessPolicy


class AdministratorForm(BaseUserCreationForm):  # type: ignore[type-arg]  # a parameter only to the type checker
    """Name and password of the first administrator; checks the password as for everybody."""

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the password is checked for; the row is made by `actions`.
        self.instance.is_superuser = True


class PolicyForm(Form):
    """Who must have a second factor. Each choice says how many people it would send to get one now."""

    second_factor_from = TypedChoiceField(label="Who must have a second factor", coerce=int, widget=RadioSelect)

    def __init__(self, *args: Any, lacking: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["second_factor_from"].choices = [  # type: ignore[attr-defined]
            (value, _with_number(value, label, lacking)) for value, label in reversed(AccessPolicy.From.choices)
        ]


def _with_number(value: int, label: str, lacking: list[int]) -> str:
    number = 0 if value == AccessPolicy.From.NOBODY else sum(rank >= value for rank in lacking)
    people = "1 person has" if number == 1 else f"{number} people have"
    return f"{label.capitalize()} ({people} none yet)" if number else label.capitalize()


class OwnLoginForm(LoginForm):  # type: ignore[misc]  # allauth carries no types
    """allauth's, without placeholders: they repeat the labels and look like filled-in fields."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _drop_placeholders(self)
        self.fields["login"].widget.attrs["autofocus"] = True


class OwnPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth carries no types
    """allauth's, without placeholders."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _drop_placeholders(self)


class OwnConfirmForm(ReauthenticateForm):  # type: ignore[misc]  # allauth carries no types
    """allauth's, without placeholders."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        _drop_placeholders(self)
        self.fields["password"].widget.attrs["autofocus"] = True


def _drop_placeholders(form: BaseForm) -> None:
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
