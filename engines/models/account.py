"""What the console keeps of people beyond Django's and allauth's own tables."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from engines.permissions import Role


class PasswordLink(models.Model):
    """A one-time address at which a person sets their password: an invitation or a reset. Only a digest is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="password_links")
    # SHA-256 of the token, in hex.
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_by_name = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"password link of {self.user}"


class ApiToken(models.Model):
    """A person's key for programs: holds at most `role` on each engine, and never more than its owner holds there."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=64)
    # SHA-256 of the token, in hex: it is random enough to need no slow hash.
    digest = models.CharField(max_length=64, unique=True)
    # Its first characters, by which its owner tells it from others.
    hint = models.CharField(max_length=16)
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.name.lower()) for role in Role])
    # Said, not left to an empty list: that one also comes about when the engines chosen are removed.
    every_engine = models.BooleanField(default=False)
    engines = models.ManyToManyField("engines.Engine", blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(name="one_token_per_name", fields=["user", "name"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()


class TotpStep(models.Model):
    """The last time step whose one-time code a person has used: none is taken twice, even when the cache is lost."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user}: {self.step}"


class AccessPolicy(models.Model):
    """One row: who must have a second factor. A person's rank is their strongest role, 0 without one."""

    class From(models.IntegerChoices):
        EVERYBODY = 0, "everybody"
        OPERATORS = Role.OPERATOR.value, "operators and above"
        BUILDERS = Role.BUILDER.value, "builders and above"
        MANAGERS = Role.MANAGER.value, "managers and administrators"
        ADMINISTRATORS = 100, "administrators"
        NOBODY = 255, "nobody"

    second_factor_from = models.PositiveSmallIntegerField(choices=From.choices, default=From.NOBODY)

    def __str__(self) -> str:
        return f"second factor: {self.get_second_factor_from_display()}"
