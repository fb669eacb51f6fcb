"""What every page knows: the theme, and the engines of the side bar."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from engines import access
from engines.models import Engine
from engines.permissions import ROLE_PERMISSIONS, Permission

_THEMES = frozenset({"light", "dark"})


def page(request: HttpRequest) -> dict[str, Any]:
    """`theme` (light, dark, or empty for the system's), `side_engines` (one query, if asked for), `live` (socket),
    `side_builds` (keys of the engines on which the person may build).

    `current_slug` and `here` (the URL's name) say which page it is.
    """
    theme = request.COOKIES.get("theme", "")
    match = request.resolver_match
    slug = match.kwargs.get("slug", "") if match else ""
    return {
        "theme": theme if theme in _THEMES else "",
        # Asked when used: a part of a page has no side bar.
        "side_engines": SimpleLazyObject(partial(_engines, request)),
        "side_builds": SimpleLazyObject(partial(_builds, request)),
        "live": partial(_live, request, slug),
        "current_slug": slug,
        "here": (match.url_name or "") if match else "",
    }


def _engines(request: HttpRequest) -> QuerySet[Engine]:
    return access.visible_engines(request.user).select_related("state")


def _builds(request: HttpRequest) -> frozenset[int]:
    held = access.roles(request.user).items()
    return frozenset(pk for pk, role in held if Permission.IMAGE_BUILD in ROLE_PERMISSIONS[role])


def _live(request: HttpRequest, slug: str) -> str:
    """Empty for those who must have a second factor first: every socket would refuse them."""
    if access.must_enrol(request.user):
        return ""
    return f"/ws/engines/{slug}/events/" if slug else "/ws/fleet/"
