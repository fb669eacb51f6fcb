"""Recordings of terminals: the list, the replay, and the file itself."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_safe

from engines.models import Engine, Recording
from engines.permissions import Permission
from engines.terminals import actions, queries
from engines.terminals.cast import path_of
from engines.terminals.forms import RecordingsForm
from engines.web.download import download
from engines.web.gate import engine_view, person
from engines.web.respond import respond


@require_safe
@engine_view(Permission.RECORDING_VIEW, disabled_too=True)
def recordings(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What was recorded on an engine, newest first."""
    form = RecordingsForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    words = chosen.get("q", "")
    page = queries.recordings(engine, words, chosen.get("page") or 1)
    context = {"engine": engine, "page": page, "words": words}
    return respond(request, "terminals/recordings.html", context, partial="rows")


@require_safe
@engine_view(Permission.RECORDING_VIEW, disabled_too=True)
def recording(request: HttpRequest, engine: Engine, pk: UUID) -> HttpResponseBase:
    """One recording, to be replayed by scripts. What it holds comes from `cast`, which is written down."""
    found = get_object_or_404(Recording, pk=pk, engine=engine)
    context = {"engine": engine, "recording": found, "file": queries.kept(found)}
    return render(request, "terminals/recording.html", context)


@require_GET
@engine_view(Permission.RECORDING_VIEW, disabled_too=True)
def cast(request: HttpRequest, engine: Engine, pk: UUID) -> HttpResponseBase:
    """The file, asciicast v2: for the replay or, with `?file`, to be kept. Either is written to the trail."""
    found = get_object_or_404(Recording, pk=pk, engine=engine)
    try:
        file = path_of(found).open("rb")
    except OSError as error:
        raise Http404("The file of this recording is not there any more.") from error
    actions.looked_at(found, engine, by=person(request), taken="file" in request.GET)
    name = f"{found.container_name}-{found.started_at:%Y%m%d-%H%M%S}.cast"
    return download(
        request,
        engine,
        lambda: frozenset({Permission.RECORDING_VIEW}),
        queries.blocks(file),
        name=name,
        kind="application/x-asciicast",
        disabled_too=True,
    )
