"""Pruning: what would be removed is shown first, and only that is removed."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from engines.containers.prunable import Filter, doomed
from engines.containers.prune_actions import prune
from engines.containers.prune_forms import PruneForm
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import engine_view, person
from engines.web.templatetags.ui import size


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONTAINER_PRUNE)
def prune_page(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What would be removed, by `age` and `labels`. POST removes it, if it is still what `mark` says was shown."""
    form = PruneForm(request.POST if request.method == "POST" else request.GET)
    context = {"engine": engine, "form": form, "base": reverse("containers", kwargs={"slug": engine.slug})}
    if not form.is_valid():
        return render(request, "containers/prune.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    chosen = form.filter()
    if request.method != "POST":
        return _shown(request, engine, chosen, context)
    expected = doomed(engine, chosen)
    if expected.mark != request.POST.get("mark"):
        # What stopped since then is among what is shown now.
        return _shown(request, engine, chosen, context, changed=True, status=HTTPStatus.CONFLICT)
    done = prune(engine, chosen, expected, by=person(request))
    messages.success(request, f"{done.containers} removed, {size(done.bytes)} free again.")
    if done.stayed:
        messages.warning(request, f"{done.stayed} stayed: they run again, or somebody else removed them.")
    return redirect("containers", slug=engine.slug)


def _shown(
    request: HttpRequest,
    engine: Engine,
    chosen: Filter,
    context: dict[str, object],
    *,
    changed: bool = False,
    status: int = HTTPStatus.OK,
) -> HttpResponseBase:
    more = {"doomed": doomed(engine, chosen), "until": chosen.until, "changed": changed}
    return render(request, "containers/prune.html", context | more, status=status)
