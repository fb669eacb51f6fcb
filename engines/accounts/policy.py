"""The page that says who must have a second factor."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engines import access
from engines.accounts import actions, queries
from engines.accounts.forms import PolicyForm
from engines.models import AccessPolicy
from engines.permissions import Permission
from engines.web.gate import console_view, person, recent_login


@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """Who must have a second factor; how many people a choice sends to get one now."""
    now = AccessPolicy.objects.values_list("second_factor_from", flat=True).first()
    form = PolicyForm(
        request.POST or None,
        lacking=queries.ranks_without_factor(),
        initial={"second_factor_from": AccessPolicy.From.NOBODY if now is None else now},
    )
    if form.is_valid():
        actions.ask_second_factor(form.cleaned_data["second_factor_from"], by=person(request))
        messages.success(request, "The policy holds from now on.")
        return redirect("access-policy")
    return render(request, "accounts/policy.html", {"form": form, "has_factor": access.has_factor(person(request))})
