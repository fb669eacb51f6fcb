"""Health of the web process itself."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from engines.web.gate import public


@public("a load balancer asks without logging in, and learns only that the process answers")
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; touches neither database nor Redis."""
    return HttpResponse("ok\n", content_type="text/plain")
