"""Health of the web process, and readiness of the whole console."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from engines.models import Heartbeat
from engines.web.gate import public

#: A process that has not reported for this long counts as gone.
SILENCE = timedelta(seconds=30)


@public("a load balancer asks without logging in, and learns only that the process answers")
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; touches neither database nor Redis."""
    return HttpResponse("ok\n", content_type="text/plain")


@public("a load balancer asks without logging in, and learns only which part works")
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether each part works, by name. 200 when all do, else 503."""
    parts: dict[str, Callable[[], bool]] = {
        "database": _database,
        "redis": _redis,
        "worker": lambda: reports("worker"),
        "watcher": lambda: reports("watcher"),
    }
    state = {name: works() for name, works in parts.items()}
    return JsonResponse(state, status=HTTPStatus.OK if all(state.values()) else HTTPStatus.SERVICE_UNAVAILABLE)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis() -> bool:
    # A write, since a full Redis still answers reads. The key's value means nothing.
    try:
        cache.set("readyz", True, timeout=1)
    except RedisError:
        return False
    return True


def reports(name: str) -> bool:
    """Whether the process `name` (`worker`, `watcher`) said lately that it works."""
    try:
        return Heartbeat.objects.filter(name=name, at__gt=timezone.now() - SILENCE).exists()
    except DatabaseError:
        return False
