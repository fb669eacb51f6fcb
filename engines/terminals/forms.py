"""A short command as a form; and what of the recordings is wanted."""

from collections.abc import Callable
from typing import TypeVar

from django import forms

from engines.terminals.types import Asked, Unasked, folder_of, split, user_of

T = TypeVar("T")


class CommandForm(forms.Form):
    """A command without a terminal. Fields are checked by the same rules as a terminal's."""

    command = forms.CharField(label="Command", widget=forms.TextInput(attrs={"class": "code", "spellcheck": "false"}))
    user = forms.CharField(required=False, label="User", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    folder = forms.CharField(required=False, label="Folder", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def clean_command(self) -> tuple[str, ...]:
        return _checked(split, self.cleaned_data["command"])

    def clean_user(self) -> str:
        return _checked(user_of, self.cleaned_data["user"])

    def clean_folder(self) -> str:
        return _checked(folder_of, self.cleaned_data["folder"])

    @property
    def asked(self) -> Asked:
        """Of a form that is valid."""
        fields = self.cleaned_data
        return Asked(fields["command"], fields["user"], fields["folder"], tty=False, typed=False)


class RecordingsForm(forms.Form):
    """The query of the list of recordings."""

    q = forms.CharField(required=False, max_length=200)
    page = forms.IntegerField(required=False, min_value=1, max_value=1 << 20)


def _checked(rule: Callable[[object], T], text: str) -> T:
    try:
        return rule(text)
    except Unasked as error:
        raise forms.ValidationError(str(error)) from error
