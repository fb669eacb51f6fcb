"""Forms of the pages about people. Each lists all that it takes."""

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator

from engines.models import Team


class InviteForm(forms.Form):
    """Somebody new."""

    username = forms.CharField(
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text="Letters, digits and @ . + - _ only. They log in with it, and the audit trail names them by it.",
    )
    teams = forms.ModelMultipleChoiceField(
        queryset=Team.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What a team may do on engines is granted on its page.",
    )
    administrator = forms.BooleanField(
        required=False,
        label="Administrator of this console",
        help_text="Holds every role on every engine, which is root on their hosts, and changes everybody's access.",
    )

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("Somebody has this name.")
        return username
