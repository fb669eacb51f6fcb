"""The form of a new personal API token."""

from datetime import timedelta

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from engines import access
from engines.accounts.tokens import LONGEST_DAYS
from engines.models import ApiToken, Engine
from engines.permissions import Role


class TokenForm(forms.Form):
    """Of `person`: offers the roles and engines that they hold."""

    name = forms.CharField(
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="What it is for, such as deploy from CI.",
    )
    role = forms.TypedChoiceField(
        coerce=lambda value: Role(int(value)),
        label="Role at most",
        help_text="Where you hold a weaker one, the token holds that.",
    )
    days = forms.IntegerField(min_value=1, max_value=LONGEST_DAYS, initial=90, label="Days until it ends")
    every_engine = forms.BooleanField(
        required=False, label="Every engine", help_text="Also those that you can reach only later."
    )
    engines = forms.ModelMultipleChoiceField(
        queryset=Engine.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="These engines"
    )

    def __init__(self, *args: object, person: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # a form's own
        self._person = person
        rank = access.rank(person)
        roles = [(role.value, role.name.lower()) for role in Role if role <= rank]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]  # of this kind of field
        self.fields["engines"].queryset = access.visible_engines(person)  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if ApiToken.objects.filter(user=self._person, name=name).exists():
            raise forms.ValidationError("You have a token of this name.")
        return name

    def clean_days(self) -> int:
        days: int = self.cleaned_data["days"]
        self.cleaned_data["expires_at"] = timezone.now() + timedelta(days=days)
        return days

    def clean(self) -> None:
        chosen = self.cleaned_data.get("engines")
        if not self.cleaned_data.get("every_engine") and not chosen and "engines" not in self.errors:
            self.add_error("engines", "Choose the engines it is for, or tick every engine.")
        if self.cleaned_data.get("every_engine") and chosen:
            self.add_error("engines", "Choose engines, or tick every engine, not both.")
