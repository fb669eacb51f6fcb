"""What the account pages ask of the database."""

from django.contrib.auth.models import User


def administrator_exists() -> bool:
    """Whether anybody can administer this console; from then on the set-up page is gone."""
    return User.objects.filter(is_superuser=True, is_active=True).exists()
