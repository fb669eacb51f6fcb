"""The fleet page."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from engines import access
from engines.dashboard import queries
from engines.dashboard.types import STANDINGS
from engines.permissions import Permission
from engines.web.gate import login_view, person
from engines.web.respond import respond


@require_safe
@login_view("lists only engines the person may see")
def fleet(request: HttpRequest) -> HttpResponseBase:
    """A card per engine, as the watcher last heard of it; `q` and `state` narrow. Asks no engine."""
    user = person(request)
    text, standing = request.GET.get("q", ""), request.GET.get("state", "")
    standing = standing if standing in STANDINGS else ""
    every = queries.cards(user)
    context = {
        "cards": queries.chosen(every, text=text, standing=standing),
        "totals": queries.totals(every),
        "watch": queries.watch(),
        "q": text,
        "standing": standing,
        "may_add": access.can(user, Permission.CONSOLE_ENGINES),
    }
    return respond(request, "dashboard/fleet.html", context, partial="cards")


@require_safe
@login_view("lists only engines the person may see")
def side(request: HttpRequest) -> HttpResponseBase:
    """What the side bar lists, for the page `here` (a URL's name) about `engine` (a slug), when a state changes."""
    context = {"current_slug": request.GET.get("engine", ""), "here": request.GET.get("here", "")}
    return render(request, "fragments/side.html", context)
