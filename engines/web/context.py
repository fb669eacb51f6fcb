"""What every page knows: the theme, and the engines of the side bar."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from engines import access
from engines.models import Engine
from engines.permissions import Permission

_THEMES = frozenset({"light", "dark"})


def page(request: HttpRequest) -> dict[str, Any]:
    """`theme` (light, dark, or empty for the system's), `side_engines` (one query, if asked for), `live` (socket),
    `side_held` (what the person may do on the current engine).

    `current_slug` and `here` (the URL's name) say which page it is.
    """
    theme = request.COOKIES.get("theme", "")
    match = request.resolver_match
    slug = match.kwargs.get("slug", "") if match else ""
    return {
        "theme": theme if theme in _THEMES else "",
        # Asked when used: a part of a page has no side bar.
        "side_engines": SimpleLazyObject(partial(_engines, request)),
        "side_held": SimpleLazyObject(partial(_held, request, slug)),
        "live": partial(_live, request, slug),
        "current_slug": slug,
        "here": (match.url_name or "") if match else "",
    }


def _engines(request: HttpRequest) -> QuerySet[Engine]:
    return access.visible_engines(request.user).select_related("state")


def _held(request: HttpRequest, slug: str) -> frozenset[Permission]:
    engine = Engine.objects.filter(slug=slug).first() if slug else None
    return access.held(request.user, engine) if engine else frozenset()


def _live(request: HttpRequest, slug: str) -> str:
    """Empty for those who must have a second factor first: every socket would refuse them."""
    if access.must_enrol(request.user):
        return ""
    return f"/ws/engines/{slug}/events/" if slug else "/ws/fleet/"
