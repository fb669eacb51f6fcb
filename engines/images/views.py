"""Pages of an engine's images: the list, and pulling one."""

import uuid

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from engines import access
from engines.images import queries
from engines.images.forms import PullForm
from engines.images.queries import Choice
from engines.models import Engine
from engines.operations import actions
from engines.permissions import Permission
from engines.web.gate import engine_view, person
from engines.web.respond import respond


@require_safe
@engine_view(Permission.IMAGE_VIEW)
def image_list(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Every image: `q`, `show=dangling` and `sort` choose."""
    choice = Choice.from_query(request.GET)
    held = access.held(person(request), engine)
    context = {
        "engine": engine,
        "choice": choice,
        "links": {"all": choice.link(show=""), "dangling": choice.link(show="dangling")},
        "listing": queries.listing(engine, choice),
        "may_pull": Permission.IMAGE_PULL in held,
        "may_build": Permission.IMAGE_BUILD in held,
        "may_run": Permission.CONTAINER_CREATE in held,
    }
    page = respond(request, "images/list.html", context, partial="rows")
    if request.headers.get("HX-Request"):
        # What is typed into the filter can be reloaded, and sent to somebody.
        page["HX-Replace-Url"] = choice.link() if choice != Choice() else reverse("images", args=[engine.slug])
    return page


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.IMAGE_PULL)
def pull(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, with `?reference=` filled in; POST starts the pull and goes to its progress."""
    if request.method != "POST":
        form = PullForm(initial={"reference": request.GET.get("reference", ""), "form_token": uuid.uuid4()})
        return render(request, "images/pull.html", {"engine": engine, "form": form})
    form = PullForm(request.POST)
    if not form.is_valid():
        return render(request, "images/pull.html", {"engine": engine, "form": form}, status=422)
    reference = form.cleaned_data["reference"]
    operation = actions.start(
        engine,
        "image.pull",
        {"reference": reference},
        title=f"Pull {reference}",
        by=person(request),
        form_token=form.cleaned_data["form_token"],
    )
    return redirect("operation", pk=operation.pk)
