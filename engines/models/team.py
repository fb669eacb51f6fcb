"""Teams, tags, and grants of a role. Only `engines.access` reads Grant to decide."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from engines.models.engine import Engine, Tag
from engines.permissions import Role


class Team(models.Model):
    """People who are granted roles together."""

    name = models.CharField(max_length=64, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)
    # A group of the identity provider whose people are members, kept in step at each of their logins. Empty: by hand.
    sso_group = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """A role for one team or one user, on one engine or on all engines with a tag, until `expires_at` if set."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.name.lower()) for role in Role])
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Counts changes, so that of two people who edit one grant the later is told.
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="grant_to_team_or_user",
                condition=Q(team__isnull=True, user__isnull=False) | Q(team__isnull=False, user__isnull=True),
            ),
            models.CheckConstraint(
                name="grant_on_engine_or_tag",
                condition=Q(engine__isnull=True, tag__isnull=False) | Q(engine__isnull=False, tag__isnull=True),
            ),
            models.UniqueConstraint(name="one_grant_per_team", fields=["engine", "team"]),
            models.UniqueConstraint(name="one_grant_per_user", fields=["engine", "user"]),
            models.UniqueConstraint(name="one_grant_per_tag_and_team", fields=["tag", "team"]),
            models.UniqueConstraint(name="one_grant_per_tag_and_user", fields=["tag", "user"]),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.user}: {Role(self.role).name.lower()} on {self.engine or f'tag {self.tag}'}"

    @property
    def expired(self) -> bool:
        """Whether it gives nothing any more."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
