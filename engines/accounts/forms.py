"""Forms of the account pages that allauth does not bring."""

from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User


class AdministratorForm(BaseUserCreationForm):  # type: ignore[type-arg]  # a parameter only to the type checker
    """Name and password of the first administrator; checks the password as for everybody."""

    class Meta:
        model = User
        fields = ("username",)
