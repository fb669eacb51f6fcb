"""How long a password has to be, and how many are hashed at the same time."""

from threading import BoundedSemaphore

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

LEAST = 12
LEAST_OF_ADMINISTRATORS = 15
#: Longer ones only cost time.
MOST = 128

#: Each hash takes 100 MiB while it is computed.
_AT_ONCE = BoundedSemaphore(4)


class LengthValidator:
    """Between 12 (administrators 15) and 128 characters."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        least = _least(user)
        if len(password) < least:
            raise ValidationError(f"This password is too short. It must have at least {least} characters.")
        if len(password) > MOST:
            raise ValidationError(f"This password is too long. It may have at most {MOST} characters.")

    def get_help_text(self) -> str:
        return (
            f"At least {LEAST} characters, {LEAST_OF_ADMINISTRATORS} for administrators. "
            "A few words that do not belong together are easy to keep in mind."
        )


class Hasher(Argon2PasswordHasher):
    """Argon2, a few at a time: a flood of logins waits instead of taking the machine's memory."""

    def encode(self, password: str, salt: str) -> str:
        with _AT_ONCE:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _AT_ONCE:
            return super().verify(password, encoded)


def _least(user: AbstractBaseUser | None) -> int:
    return LEAST_OF_ADMINISTRATORS if getattr(user, "is_superuser", False) else LEAST
