"""The limits of an engine: managers see them, administrators set them, both can try them."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.client.errors import EngineError
from engines.limits import actions, queries
from engines.limits.forms import LimitsForm
from engines.models import Engine, EngineLimits
from engines.permissions import Permission
from engines.web.gate import engine_view, person, recent_login


@require_safe
@engine_view(Permission.LIMITS_VIEW, disabled_too=True)
def limits(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The switches as they are."""
    return _page(request, engine, LimitsForm.of(EngineLimits.of(engine)))


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login(form=True)
def edit(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Store other switches. 409 when somebody else did meanwhile."""
    if request.method != "POST":
        return _page(request, engine, LimitsForm.of(EngineLimits.of(engine)), editing=True)
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return _page(request, engine, form, HTTPStatus.UNPROCESSABLE_ENTITY, editing=True)
    try:
        wanted, shown = form.limits(engine), form.cleaned_data["version"]
        changed = actions.edit(engine, wanted, shown=shown, by=person(request))
    except actions.ChangedMeanwhile as conflict:
        form.add_error(None, f"{conflict} Open the page again to see them; what you typed is still here.")
        return _page(request, engine, form, HTTPStatus.CONFLICT, editing=True)
    messages.success(request, "Stored. They hold from now on." if changed else "Nothing was changed.")
    return redirect("limits", slug=engine.slug)


@require_POST
@engine_view(Permission.LIMITS_VIEW)
def trial(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What the switches as typed would refuse of the containers that are there. Stores nothing."""
    form, editing = LimitsForm(request.POST), "editing" in request.POST
    if not form.is_valid():
        return _page(request, engine, form, HTTPStatus.UNPROCESSABLE_ENTITY, editing=editing)
    try:
        found = queries.trial(engine, form.limits(engine))
    except EngineError as error:
        form.add_error(None, f"{error} {error.advice}")
        return _page(request, engine, form, HTTPStatus.BAD_GATEWAY, editing=editing)
    return _page(request, engine, form, editing=editing, trial=found)


def _page(
    request: HttpRequest,
    engine: Engine,
    form: LimitsForm,
    status: int = 200,
    *,
    editing: bool = False,
    trial: queries.Trial | None = None,
) -> HttpResponse:
    may_edit = access.can(person(request), Permission.CONSOLE_ENGINES, engine)
    context = {"engine": engine, "form": form, "may_edit": may_edit, "editing": editing and may_edit, "trial": trial}
    return render(request, "limits/limits.html", context, status=status)
