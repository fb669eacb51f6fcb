"""The list of all containers that a person sees, on all engines, and verbs on many of them."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from engines import access
from engines.containers import layout, listing
from engines.containers.frame import offered, published_host
from engines.containers.layout import Column
from engines.containers.list_views import (
    FIRST,
    MOST_AT_ONCE,
    Result,
    done,
    keep_layout,
    links,
    part,
    told,
    too_many,
)
from engines.containers.listing import Choice, chosen, paged
from engines.containers.rows import Look
from engines.containers.verbs import VERBS
from engines.models import Engine
from engines.permissions import ROLE_PERMISSIONS, Permission, Role
from engines.web.gate import login_view, person, resolve
from engines.web.respond import respond

_SEES = "lists only containers of engines the person may see"


@require_safe
@login_view(_SEES)
def fleet_list(request: HttpRequest) -> HttpResponseBase:
    """Every container of every engine, asked at once; an engine that does not answer is a note.

    Chosen as in the list of one engine, and by `engine` and `page`.
    """
    user, choice = person(request), Choice.from_query(request.GET)
    wanted, base, roles = layout.of(user), reverse("all-containers"), access.roles(user)
    engines = list(access.visible_engines(user).select_related("state").order_by("name"))
    looks = {engine.slug: _look(request, engine, roles[engine.pk]) for engine in engines if engine.pk in roles}
    found = listing.everywhere(_asked(engines, choice), sizes=wanted.sizes)
    shown = part(paged(chosen(found.containers, choice), choice.page), choice, wanted, looks, _FIRST)
    may = {verb: any(look.may[verb] for look in looks.values()) for verb in offered(frozenset())}
    context = {
        "engines": engines,
        "choice": choice,
        "layout": wanted,
        "may": may,
        "base": base,
        "silent": found.silent,
        "newer": f"{choice.link()}&page={shown.listing.page - 1}" if shown.listing.page > 1 else "",
        "older": f"{choice.link()}&page={shown.listing.page + 1}" if shown.listing.page < shown.listing.pages else "",
        **links(choice, wanted),
        "stats": [
            {"path": f"/ws/engines/{engine.slug}/stats/", "row": looks[engine.slug].row}
            for engine in engines
            if wanted.live and engine.slug in looks
        ],
        "part": shown,
    }
    page = respond(request, "containers/fleet.html", context, partial="rows")
    if request.headers.get("HX-Request"):
        page["HX-Replace-Url"] = choice.link() if choice != Choice() else base
    return page


@require_POST
@login_view("keeps how the person likes lists")
def fleet_columns(request: HttpRequest) -> HttpResponseBase:
    """Keep how the person likes lists of containers."""
    keep_layout(request)
    return redirect("all-containers")


@require_POST
@login_view("asks for the permission on the engine of each container")
def fleet_bulk(request: HttpRequest) -> HttpResponseBase:
    """`verb` on every `id` (`<slug>:<id>`), each as its engine allows: what is refused is told with the rest."""
    verb, wanted = request.POST.get("verb", ""), list(dict.fromkeys(request.POST.getlist("id")))
    if verb not in VERBS:
        return HttpResponse("There is no such action.", status=400, content_type="text/plain")
    back = reverse("all-containers")
    if len(wanted) > MOST_AT_ONCE:
        return too_many(request, back)
    ids = [(slug, container) for slug, _, container in (each.partition(":") for each in wanted)]
    may, results = _may(person(request), {slug for slug, _ in ids}, VERBS[verb][1])
    names = {each.id: each.name for each in listing.everywhere(may.values()).containers}
    todo = [(may[slug], container, names.get(container) or container[:12]) for slug, container in ids if slug in may]
    return told(request, results + done(request, verb, todo), back)


def _may(user: User, slugs: Iterable[str], permission: Permission) -> tuple[dict[str, Engine], list[Result]]:
    """The engines on which `user` holds `permission`, by slug; and a line for each of the others."""
    may: dict[str, Engine] = {}
    refused: list[Result] = []
    for slug in sorted(slugs):
        try:
            engine = resolve(user, slug, permission)
        except (Http404, PermissionDenied) as denial:
            refused.append(Result(slug[:64], "", str(denial)))
            continue
        if engine.enabled:
            may[slug] = engine
        else:
            refused.append(Result(engine.name, "", "This engine is disabled."))
    return may, refused


def _asked(engines: list[Engine], choice: Choice) -> list[Engine]:
    """Where one engine is chosen, only it is asked."""
    return [engine for engine in engines if choice.engine in {"", engine.slug}]


def _look(request: HttpRequest, engine: Engine, role: Role) -> Look:
    held = ROLE_PERMISSIONS[role]
    return Look(
        base=reverse("containers", kwargs={"slug": engine.slug}),
        host=published_host(request, engine),
        may=offered(held),
        values=Permission.CONTAINER_START in held,
        engine=engine.name,
        row=f"c-{engine.slug}-",
        value=f"{engine.slug}:",
    )


_FIRST = (*FIRST, Column("engine", "Engine", "more"))
