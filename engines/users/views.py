"""Pages about people: who there is, what each may do and why, and changes of their accounts."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.models import Engine
from engines.permissions import Permission
from engines.users import actions, links, queries
from engines.users.actions import Refused
from engines.users.forms import InviteForm
from engines.users.types import TONES
from engines.web import gate
from engines.web.gate import console_view, public, recent_login
from engines.web.respond import respond

_PAGE_ROWS = 50


@require_safe
@console_view(Permission.CONSOLE_ACCESS)
def people(request: HttpRequest) -> HttpResponseBase:
    """Everybody; `q` and `state` narrow, `sort` sorts, `page` turns."""
    text, standing, sort = (request.GET.get(name, "") for name in ("q", "state", "sort"))
    found = queries.chosen(text=text, standing=standing, sort=sort)
    context = {
        "page": Paginator(found, _PAGE_ROWS).get_page(request.GET.get("page")),
        "totals": queries.totals(),
        "q": text,
        "standing": standing if standing in TONES else "",
        "sort": sort if sort in queries.SORTS else "username",
    }
    return respond(request, "users/list.html", context, partial="rows")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def invite(request: HttpRequest) -> HttpResponseBase:
    """Make somebody's account. The answer shows, this once, the address at which they set their password."""
    form = InviteForm(request.POST or None)
    if request.method != "POST":
        return render(request, "users/invite.html", {"form": form})
    if form.is_valid():
        try:
            person, token = actions.invite(**form.cleaned_data, by=gate.person(request))
        except Refused as refusal:
            form.add_error("username", str(refusal))
        else:
            return _link_page(request, person, token)
    return render(request, "users/invite.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_safe
@console_view(Permission.CONSOLE_ACCESS)
def detail(request: HttpRequest, person: int) -> HttpResponseBase:
    """One person: their account, teams and grants, and what they may do on which engine, and why."""
    found = get_object_or_404(queries.people(), pk=person)
    context = {
        "person": found,
        "grants": queries.grants(found),
        "engines": [(engine, reasons[0], reasons) for engine, reasons in access.reasons_everywhere(found).items()],
        "must_enrol": access.must_enrol(found),
    }
    return render(request, "users/detail.html", context)


@require_safe
@console_view(Permission.CONSOLE_ACCESS)
def on_engine(request: HttpRequest, person: int, slug: str) -> HttpResponseBase:
    """What one person may do on one engine, and why."""
    found = get_object_or_404(queries.people(), pk=person)
    engine = get_object_or_404(Engine, slug=slug)
    context = {
        "person": found,
        "engine": engine,
        "reasons": access.reasons(found, engine),
        "groups": queries.permissions(found, engine),
        "must_enrol": access.must_enrol(found),
    }
    return render(request, "users/on_engine.html", context)


@require_POST
@never_cache
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def reset(request: HttpRequest, person: int) -> HttpResponseBase:
    """The answer shows, this once, the address at which the person sets another password."""
    found = get_object_or_404(User, pk=person)
    try:
        token = actions.reset(found, by=gate.person(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("user", person=person)
    return _link_page(request, found, token)


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def disable(request: HttpRequest, person: int) -> HttpResponseBase:
    """Let the person do nothing any more, and end their logins."""
    return _change(
        request,
        person,
        lambda found: actions.set_enabled(found, False, by=gate.person(request)),
        "{} is disabled, and all their logins have ended.",
    )


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def enable(request: HttpRequest, person: int) -> HttpResponseBase:
    """Let the person in again."""
    return _change(
        request,
        person,
        lambda found: actions.set_enabled(found, True, by=gate.person(request)),
        "{} is enabled, with the roles they had.",
    )


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def promote(request: HttpRequest, person: int) -> HttpResponseBase:
    """Make the person an administrator of the console."""
    return _change(
        request,
        person,
        lambda found: actions.set_administrator(found, True, by=gate.person(request)),
        "{} is an administrator now.",
    )


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def demote(request: HttpRequest, person: int) -> HttpResponseBase:
    """Leave the person what is granted to them and their teams."""
    return _change(
        request,
        person,
        lambda found: actions.set_administrator(found, False, by=gate.person(request)),
        "{} is no administrator any more.",
    )


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def end_sessions(request: HttpRequest, person: int) -> HttpResponseBase:
    """End all logins of the person."""
    return _change(
        request,
        person,
        lambda found: actions.end_sessions(found, by=gate.person(request)),
        "All logins of {} have ended.",
    )


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def remove_factors(request: HttpRequest, person: int) -> HttpResponseBase:
    """Take away the second factors of a person who lost them."""
    return _change(
        request,
        person,
        lambda found: actions.remove_factors(found, by=gate.person(request)),
        "The second factors of {} are removed, and all their logins have ended.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def delete(request: HttpRequest, person: int) -> HttpResponseBase:
    """Ask, with the name to be typed as `confirm`; then forget the person."""
    found = get_object_or_404(User, pk=person)
    error = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == found.get_username():
            try:
                actions.delete(found, by=gate.person(request))
            except Refused as refusal:
                error = str(refusal)
            else:
                messages.success(request, f"{found} is deleted.")
                return redirect("users")
        else:
            error = f"Type the name exactly: {found}"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    return render(request, "users/delete.html", {"person": found, "error": error}, status=status)


@public("whoever has no password yet cannot log in; a one-time token from an administrator is asked for")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("new_password1", "new_password2")
def set_password(request: HttpRequest) -> HttpResponse:
    """Set a password by a one-time link. 403 with a wrong, used or old token, and for disabled people.

    Logs nobody in: that would go round the second factor.
    """
    token = request.GET.get("token", "")
    found = links.person_of(token)
    if found is None:
        return render(request, "users/link_refused.html", status=HTTPStatus.FORBIDDEN)
    form = SetPasswordForm(found, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "users/set_password.html", {"form": form, "person": found}, status=status)
    try:
        actions.set_password(token, form.cleaned_data["new_password1"])
    except Refused:
        return render(request, "users/link_refused.html", status=HTTPStatus.FORBIDDEN)
    messages.success(request, "Your password is set. Log in with it.")
    return redirect("account_login")


def _change(request: HttpRequest, pk: int, change: Callable[[User], object], said: str) -> HttpResponse:
    """Make a change of the person `pk`, and say so on their page; 404 for nobody."""
    found = get_object_or_404(User, pk=pk)
    try:
        change(found)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said.format(found))
    return redirect("user", person=pk)


def _link_page(request: HttpRequest, person: User, token: str) -> HttpResponse:
    address = f"{settings.PUBLIC_URL}{reverse('set-password')}?token={token}"
    return render(request, "users/link.html", {"person": person, "address": address})
