"""The one-time token with which the first administrator is made."""

from django.db import models


class SetupToken(models.Model):
    """`digest` is the SHA-256 of the token in hex: the token itself is printed once and stored nowhere."""

    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"set-up token of {self.created_at}"
