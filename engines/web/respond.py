"""A page, or only the part of it that htmx asks for: the same view and template serve both."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def respond(
    request: HttpRequest, template: str, context: dict[str, Any], *, partial: str, status: int = 200
) -> HttpResponse:
    """Render `template`, or only its `{% partialdef <partial> %}` when the request comes from htmx."""
    name = f"{template}#{partial}" if request.headers.get("HX-Request") else template
    response = render(request, name, context, status=status)
    # Otherwise Back in the browser could show the part alone.
    patch_vary_headers(response, ["HX-Request"])
    return response
