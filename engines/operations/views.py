"""Pages of operations: the list, one operation with its log, cancel and repeat."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from engines.models import Operation
from engines.operations import actions, queries
from engines.operations.gate import may_cancel, may_repeat, operation_view, refuse, visible_operations
from engines.operations.kinds import KINDS
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.web.gate import login_view, person
from engines.web.respond import respond

_PAGE_ROWS = 50
_ACTIVE = [Operation.Status.QUEUED, Operation.Status.RUNNING]


@require_safe
@login_view("lists only operations on engines the person may see")
def operation_list(request: HttpRequest) -> HttpResponseBase:
    """Newest first; `status`, `kind`, `engine` and `q` narrow, `page` turns."""
    chosen = {name: request.GET.get(name, "") for name in ("status", "kind", "engine", "q")}
    visible = visible_operations(person(request))
    found = queries.filtered(
        visible, status=chosen["status"], kind=chosen["kind"], engine=chosen["engine"], text=chosen["q"]
    ).defer("spec", "requests", "progress", "result")
    page = Paginator(found.select_related("engine"), _PAGE_ROWS).get_page(request.GET.get("page"))
    counts = visible.values_list("status").annotate(number=Count("pk")).order_by("status")
    context = {"page": page, "chosen": chosen, "counts": list(counts), "kinds": KINDS}
    return respond(request, "operations/list.html", context, partial="rows")


@require_safe
@login_view("counts only operations on engines the person may see")
def indicator(request: HttpRequest) -> HttpResponseBase:
    """The part of the top bar that says what runs."""
    active = visible_operations(person(request)).filter(status__in=_ACTIVE)
    counts = active.aggregate(
        running=Count("pk", filter=Q(status=Operation.Status.RUNNING)),
        queued=Count("pk", filter=Q(status=Operation.Status.QUEUED)),
    )
    return render(request, "operations/indicator.html", counts)


@require_safe
@operation_view(Permission.OPERATION_VIEW)
def operation_page(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """One operation: what, where, who, how long, its log, and the Engine API requests it made."""
    user = person(request)
    context = {
        "operation": operation,
        "engine": operation.engine,
        "kind": KINDS.get(operation.kind),
        "may_cancel": not operation.is_over and may_cancel(user, operation),
        "may_repeat": operation.is_over and may_repeat(user, operation),
        "tail": queries.log_tail(operation.pk),
    }
    return respond(request, "operations/detail.html", context, partial="head")


@require_safe
@operation_view(Permission.OPERATION_VIEW)
def log_text(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """The log as plain text, streamed; while the operation runs, as far as it got."""
    response = StreamingHttpResponse(queries.whole_log(operation.pk), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{operation.kind}-{operation.pk.hex[:8]}.log.txt"'
    return response


@require_POST
@operation_view(Permission.OPERATION_CANCEL_OWN)
def cancel(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """Ask for its end. Others' operations take a manager."""
    user = person(request)
    if not may_cancel(user, operation):
        sentence = f"Only {operation.created_by_name} or a manager may cancel this."
        refuse(user, Permission.OPERATION_CANCEL_ANY, operation, sentence)
        raise PermissionDenied(sentence)
    actions.cancel(operation, by=user)
    return redirect("operation", pk=operation.pk)


@require_POST
@operation_view(Permission.OPERATION_VIEW)
def repeat(request: HttpRequest, operation: Operation) -> HttpResponseBase:
    """Start the same again, with the permission that its kind takes."""
    user = person(request)
    if not may_repeat(user, operation):
        sentence = f"Your role on {operation.engine_name} does not let you run this."
        refuse(user, KINDS[operation.kind].permission, operation, sentence)
        raise PermissionDenied(sentence)
    try:
        again = actions.repeat(operation, by=user)
    except SecretUnreadable as error:
        messages.error(request, f"Not started: {error}")
        return redirect("operation", pk=operation.pk)
    messages.success(request, "Started again.")
    return redirect("operation", pk=again.pk)
