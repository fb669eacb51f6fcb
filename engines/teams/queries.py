"""Reads for the pages about teams and grants."""

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet

from engines.models import Engine, Grant, Team


def teams(text: str = "") -> QuerySet[Team]:
    """Every team in whose name `text` occurs, with the number of its `people`."""
    return (
        Team.objects.filter(name__icontains=text)
        .annotate(people=Count("members"))
        .prefetch_related("grants__engine", "grants__tag")
    )


def grants() -> QuerySet[Grant]:
    """All grants, expired ones too, with all that their names need."""
    return Grant.objects.select_related("team", "user", "engine", "tag").order_by(
        "engine__name", "tag__name", "team__name", "user__username"
    )


def grants_on(engine: Engine) -> QuerySet[Grant]:
    """Those on `engine`, and on the tags that it carries."""
    return grants().filter(Q(engine=engine) | Q(tag__in=engine.tags.all()))


def others(team: Team) -> QuerySet[User]:
    """Who is no member yet."""
    return User.objects.filter(is_active=True).exclude(teams=team).order_by("username")
