"""Pages of one's personal API tokens."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines.accounts import tokens as keys
from engines.accounts.token_forms import TokenForm
from engines.models import ApiToken
from engines.web.gate import login_view, person, recent_login


@login_view("one's own tokens")
@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/tokens.html", {"tokens": keys.of_person(person(request))})


@login_view("one's own tokens")
@recent_login(form=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Make one; the answer shows it, this once."""
    owner = person(request)
    form = TokenForm(request.POST or None, person=owner)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
        return render(request, "accounts/token_form.html", {"form": form}, status=status)
    fields = form.cleaned_data
    engines = None if fields["every_engine"] else fields["engines"]
    try:
        token = keys.create(
            by=owner, name=fields["name"], role=fields["role"], engines=engines, expires_at=fields["expires_at"]
        )
    except keys.Refused as refusal:
        form.add_error("name", str(refusal))
        return render(request, "accounts/token_form.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return render(request, "accounts/token_made.html", {"token": token, "name": fields["name"]})


@login_view("one's own tokens")
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own; 404 for anybody else's."""
    owner = person(request)
    token = get_object_or_404(ApiToken, pk=pk, user=owner)
    keys.revoke(token, by=owner)
    messages.success(request, f"{token.name} opens nothing any more.")
    return redirect("tokens")
