"""Pages of the audit trail: all of it for administrators, an engine's for its managers; and taking it away."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from engines import access
from engines.audit import actions, queries, sheet
from engines.audit.forms import ChoiceForm
from engines.audit.types import Act, Page
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import console_view, engine_view, person
from engines.web.respond import respond

_ROWS = 50


@require_safe
@console_view(Permission.CONSOLE_AUDIT)
def audit_list(request: HttpRequest) -> HttpResponseBase:
    """Everything, newest first; narrowed by the fields of ChoiceForm, continued after `before`."""
    return _list(request, None)


@require_safe
@engine_view(Permission.AUDIT_VIEW, disabled_too=True)
def engine_audit(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What was done and refused on one engine."""
    return _list(request, engine)


@require_safe
@console_view(Permission.CONSOLE_AUDIT)
def audit_act(request: HttpRequest, seq: int) -> HttpResponseBase:
    """All about one act, by the number of any of its entries."""
    return _act(request, seq, None)


@require_safe
@engine_view(Permission.AUDIT_VIEW, disabled_too=True)
def engine_audit_act(request: HttpRequest, engine: Engine, seq: int) -> HttpResponseBase:
    """The same, of an act on this engine."""
    return _act(request, seq, engine)


@require_POST
@console_view(Permission.CONSOLE_AUDIT)
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """The acts chosen by the query string, one line each."""
    return _export(request, "csv", "text/csv; charset=utf-8", sheet.csv_lines, head=sheet.csv_head())


@require_POST
@console_view(Permission.CONSOLE_AUDIT)
def export_json(request: HttpRequest) -> HttpResponseBase:
    """Their entries as JSON Lines."""
    return _export(request, "jsonl", "application/jsonl", sheet.json_lines)


def _list(request: HttpRequest, engine: Engine | None) -> HttpResponseBase:
    form = ChoiceForm(request.GET, engine=engine)
    before = request.GET.get("before", "")
    page = Page([], None)
    if form.is_valid():
        page = queries.page(form.choice, before=int(before) if _is_number(before) else None, rows=_ROWS)
    chosen = _chosen(form)
    base = reverse("engine-audit", args=[engine.slug]) if engine else reverse("audit")
    context = {
        "engine": engine,
        "form": form,
        "page": page,
        "base": base,
        "chosen": chosen,
        "newest": f"{base}?{chosen}" if before else "",
        "older": f"?{chosen}&before={page.older}" if chosen else f"?before={page.older}",
        "waiting": [] if engine else queries.waiting(),
    }
    reply = respond(request, "audit/list.html", context, partial="rows")
    if request.headers.get("HX-Request"):
        # What is typed into the filter can be reloaded, and sent to somebody.
        reply["HX-Replace-Url"] = f"{base}?{chosen}" if chosen else base
    return reply


def _act(request: HttpRequest, seq: int, engine: Engine | None) -> HttpResponseBase:
    act = queries.act_of(seq)
    if act is None or (engine is not None and act.last.engine_pk != engine.pk):
        raise Http404("No such entry.")
    return render(request, "audit/act.html", {"act": act, "engine": engine})


def _export(
    request: HttpRequest, form: str, kind: str, lines: Callable[[Iterable[Act]], str], *, head: str = ""
) -> HttpResponseBase:
    choice = ChoiceForm(request.GET)
    if not choice.is_valid():
        return redirect(f"{reverse('audit')}?{request.GET.urlencode()}", permanent=False)
    by = person(request)
    actions.exported(form, _chosen(choice), by=by)
    parts = _parts(by, queries.batches(choice.choice), lines, head)
    response = StreamingHttpResponse(parts, content_type=kind)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _parts(
    by: User, batches: Iterator[list[Act]], lines: Callable[[Iterable[Act]], str], head: str
) -> AsyncIterator[str]:
    """`head`, then a batch at a time for as long as `by` may read it: a download that breaks off was taken away."""
    yield head
    while (acts := await sync_to_async(_next)(by, batches)) is not None:
        yield lines(acts)


def _next(by: User, batches: Iterator[list[Act]]) -> list[Act] | None:
    if not access.can(by, Permission.CONSOLE_AUDIT):
        raise PermissionDenied("The permission was withdrawn during the download.")
    return next(batches, None)


def _chosen(form: ChoiceForm) -> str:
    """What the form's fields say, as a query string; fields not filled in are left out."""
    return urlencode({name: form.data[name] for name in form.fields if form.data.get(name)})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
