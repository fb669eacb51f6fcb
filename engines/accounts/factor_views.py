"""Pages about one's second factors: allauth's, each behind a gate, with a recent proof, and written to the trail."""

from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.core.internal import ratelimit
from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from engines import access
from engines.accounts import factors
from engines.accounts.counted import counted
from engines.web.gate import login_view, person, public, recent_login

_FORM = ["GET", "HEAD", "POST"]


class _Own:
    """For those who must enrol the page stands alone: all around it would be refused to them."""

    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **own(self.request)}  # type: ignore[misc]


def own(request: HttpRequest) -> dict[str, Any]:
    """`base`, the page around one's own pages, and `must_enrol`."""
    must = access.must_enrol(request.user)
    return {"base": "accounts/alone.html" if must else "base.html", "must_enrol": must}


class _Changing(_Own):
    """What a valid form changes is written to the trail as `act` and ends the person's other logins."""

    act: str
    kind: str

    def form_valid(self, form: Any) -> HttpResponse:
        name = form.cleaned_data.get("name", "")
        with factors.change(self.request, person(self.request), self.act, kind=self.kind, name=name):
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class _ActivateTotp(_Changing, totp.ActivateTOTPView):  # type: ignore[misc]  # allauth carries no types
    act, kind = "factor.add", "totp"


class _DeactivateTotp(_Changing, totp.DeactivateTOTPView):  # type: ignore[misc]
    act, kind = "factor.remove", "totp"


class _AddPasskey(_Changing, passkeys.AddWebAuthnView):  # type: ignore[misc]
    act, kind = "factor.add", "webauthn"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Where the device can, the passkey alone is enough to log in; allauth's form asks people that.
        context["js_data"]["creation_options"]["publicKey"]["authenticatorSelection"]["residentKey"] = "preferred"
        return context


class _GenerateCodes(_Changing, codes.GenerateRecoveryCodesView):  # type: ignore[misc]
    act, kind = "factor.reset", "recovery_codes"


class _ViewCodes(_Own, codes.ViewRecoveryCodesView):  # type: ignore[misc]
    pass


class _Reauthenticate(_Own, ReauthenticateView):  # type: ignore[misc]
    pass


class _ReauthenticateByCode(_Own, base.ReauthenticateView):  # type: ignore[misc]
    pass


class _ReauthenticateByPasskey(_Own, passkeys.ReauthenticateWebAuthnView):  # type: ignore[misc]
    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response


def _served(view: Any, request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = view.as_view()(request)
    return response


@login_view("one's own second factors", enrolling=True)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What one has, and for those who must have a factor: what is asked of them."""
    held = Authenticator.objects.filter(user=person(request)).order_by("created_at")
    by_type = {kind: [each for each in held if each.type == kind] for kind in Authenticator.Type.values}
    recovery = by_type[Authenticator.Type.RECOVERY_CODES]
    context = {
        "totp": next(iter(by_type[Authenticator.Type.TOTP]), None),
        "passkeys": by_type[Authenticator.Type.WEBAUTHN],
        "has_factor": access.has_factor(person(request)),
        "asked": access.second_factor_asked(person(request)),
        "codes_left": len(recovery[0].wrap().get_unused_codes()) if recovery else 0,
        "has_codes": bool(recovery),
    }
    return render(request, "mfa/index.html", {**own(request), **context})


@login_view("one's own second factors", enrolling=True)
@recent_login(form=True)
@require_http_methods(_FORM)
@counted
def activate_totp(request: HttpRequest) -> HttpResponseBase:
    return _served(_ActivateTotp, request)


@login_view("one's own second factors")
@recent_login(form=True)
@require_http_methods(_FORM)
def deactivate_totp(request: HttpRequest) -> HttpResponseBase:
    return _served(_DeactivateTotp, request)


@login_view("one's own second factors", enrolling=True)
@recent_login(form=True)
@require_http_methods(_FORM)
def add_passkey(request: HttpRequest) -> HttpResponseBase:
    return _served(_AddPasskey, request)


@login_view("one's own second factors")
@recent_login(form=True)
@require_http_methods(_FORM)
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask, then remove one's own passkey; never the last factor of somebody who must have one."""
    found = get_object_or_404(Authenticator, pk=pk, user=person(request), type=Authenticator.Type.WEBAUTHN)
    if request.method != "POST" or not factors.may_go(found):
        context = {"passkey": found, "may_go": factors.may_go(found)}
        return render(request, "mfa/webauthn/remove.html", {**own(request), **context})
    with factors.change(request, person(request), "factor.remove", kind="webauthn", name=str(found)):
        passkeys.flows.remove_authenticator(request, found)
    return redirect("mfa_index")


@login_view("one's own second factors", enrolling=True)
@recent_login(form=True)
@require_http_methods(_FORM)
def generate_codes(request: HttpRequest) -> HttpResponseBase:
    return _served(_GenerateCodes, request)


@login_view("one's own second factors", enrolling=True)
@recent_login()
@require_safe
@never_cache
def view_codes(request: HttpRequest) -> HttpResponseBase:
    return _served(_ViewCodes, request)


@public("the second step of a login, for whoever gave the right password")
@require_http_methods(_FORM)
@counted
def authenticate(request: HttpRequest) -> HttpResponseBase:
    return _served(base.AuthenticateView, request)


@public("a login by passkey, for those who are not logged in")
@require_http_methods(_FORM)
@counted
def login_by_passkey(request: HttpRequest) -> HttpResponseBase:
    # Each challenge is a row of the session table: those asked for count, too.
    if request.method != "POST" and not ratelimit.consume(
        request, app="allauth.mfa", action="webauthn_login", limit_get=True
    ):
        return ratelimit.respond_429(request)  # type: ignore[no-any-return]
    return _served(passkeys.LoginWebAuthnView, request)


@login_view("proving again who one is", enrolling=True)
@sensitive_post_parameters("password")
@require_http_methods(_FORM)
@counted
def reauthenticate(request: HttpRequest) -> HttpResponseBase:
    return _served(_Reauthenticate, request)


@login_view("proving again who one is", enrolling=True)
@require_http_methods(_FORM)
@counted
def reauthenticate_by_code(request: HttpRequest) -> HttpResponseBase:
    return _served(_ReauthenticateByCode, request)


@login_view("proving again who one is", enrolling=True)
@require_http_methods(_FORM)
@counted
def reauthenticate_by_passkey(request: HttpRequest) -> HttpResponseBase:
    return _served(_ReauthenticateByPasskey, request)
