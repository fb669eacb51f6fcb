"""See broken.py."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from console.urls import urlpatterns as _console


def fail(request: HttpRequest) -> HttpResponse:
    password = "canary-in-a-variable"
    raise RuntimeError(len(password))


urlpatterns = [*_console, path("broken/", fail)]
