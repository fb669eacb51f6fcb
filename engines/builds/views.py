"""The build page of an engine."""

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engines.builds import actions, queries
from engines.builds.forms import BuildForm
from engines.builds.types import BuildSpec
from engines.client.context import ContextRefused
from engines.models import Engine, Operation
from engines.permissions import Permission
from engines.web.gate import engine_view, person


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.IMAGE_BUILD)
def build(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """The form, filled from an earlier build with `?from=<operation>`; POST starts a build and goes to its log."""
    user = person(request)
    if request.method != "POST":
        initial = {"form_token": uuid.uuid4(), **queries.fields_of(user, request.GET.get("from", ""))}
        return _page(request, engine, BuildForm(initial=initial))
    form = BuildForm(request.POST, request.FILES)
    if form.is_valid():
        operation = _start(engine, form, user)
        if operation is not None:
            return redirect("operation", pk=operation.pk)
    return _page(request, engine, form, status=422)


def _start(engine: Engine, form: BuildForm, user: User) -> Operation | None:
    fields = form.cleaned_data
    path = fields["dockerfile_path"] if form.upload else "Dockerfile"
    try:
        if form.upload:
            context = actions.spool_context(form.upload, path)
        else:
            context = actions.spool_dockerfile(fields["dockerfile"])
    except ContextRefused as refusal:
        form.add_error("context" if form.upload else "dockerfile", str(refusal))
        return None
    spec = BuildSpec(
        context=context,
        dockerfile=path,
        tags=fields["tags"],
        build_args=fields["build_args"],
        target=fields["target"],
        no_cache=fields["no_cache"],
        pull=fields["pull"],
        builder=fields["builder"],
    )
    return actions.start(engine, spec, by=user, form_token=fields["form_token"])


def _page(request: HttpRequest, engine: Engine, form: BuildForm, status: int = 200) -> HttpResponseBase:
    context: dict[str, Any] = {"engine": engine, "form": form, "recent": queries.recent(engine)}
    return render(request, "builds/form.html", context, status=status)
