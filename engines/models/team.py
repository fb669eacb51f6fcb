"""Teams, and grants of a role on an engine. Only `engines.access` reads Grant."""

from django.conf import settings
from django.db import models

from engines.models.engine import Engine
from engines.permissions import Role


class Team(models.Model):
    """People who are granted roles together."""

    name = models.CharField(max_length=64, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """A role on one engine for one team or one user, until `expires_at` if set."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="grants")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.name.lower()) for role in Role])
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="grant_to_team_or_user",
                condition=models.Q(team__isnull=True, user__isnull=False)
                | models.Q(team__isnull=False, user__isnull=True),
            ),
            models.UniqueConstraint(name="one_grant_per_team", fields=["engine", "team"]),
            models.UniqueConstraint(name="one_grant_per_user", fields=["engine", "user"]),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.user}: {Role(self.role).name.lower()} on {self.engine}"
