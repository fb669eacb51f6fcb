"""Pages about teams and grants, and who can reach an engine."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.models import Engine, Grant, Team
from engines.permissions import Permission
from engines.teams import actions, queries
from engines.teams.actions import Outrun, Refused
from engines.teams.forms import EditForm, GrantForm, MemberForm, TeamForm
from engines.web import gate
from engines.web.gate import console_view, engine_view, recent_login
from engines.web.respond import respond

_WRONG = HTTPStatus.UNPROCESSABLE_ENTITY


@require_safe
@console_view(Permission.CONSOLE_ACCESS)
def teams(request: HttpRequest) -> HttpResponseBase:
    """Every team; `q` narrows."""
    text = request.GET.get("q", "")
    context = {"teams": queries.teams(text), "q": text}
    return respond(request, "teams/list.html", context, partial="rows")


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def add(request: HttpRequest) -> HttpResponseBase:
    """Make a team."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            team = actions.create(**form.cleaned_data, by=gate.person(request))
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            return redirect("team", team=team.pk)
    return render(request, "teams/form.html", {"form": form}, status=_WRONG if form.is_bound else HTTPStatus.OK)


@require_safe
@console_view(Permission.CONSOLE_ACCESS)
def detail(request: HttpRequest, team: int) -> HttpResponseBase:
    """One team: its members, and what it is granted."""
    return _team_page(request, _team(team))


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def edit(request: HttpRequest, team: int) -> HttpResponseBase:
    """Rename a team, or tie it to a group of the identity provider."""
    found = _team(team)
    initial = {"name": found.name, "sso_group": found.sso_group}
    form = TeamForm(request.POST if request.method == "POST" else None, team=found, initial=initial)
    if form.is_valid():
        try:
            actions.edit(found, **form.cleaned_data, by=gate.person(request))
        except Refused as refusal:
            form.add_error("name", str(refusal))
        else:
            return redirect("team", team=team)
    context = {"form": form, "team": found}
    return render(request, "teams/form.html", context, status=_WRONG if form.is_bound else HTTPStatus.OK)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def delete(request: HttpRequest, team: int) -> HttpResponseBase:
    """Ask, with the name to be typed as `confirm`; then forget the team."""
    found = _team(team)
    wrong = request.method == "POST" and request.POST.get("confirm", "").strip() != found.name
    if request.method == "POST" and not wrong:
        actions.delete(found, by=gate.person(request))
        messages.success(request, f"{found} is deleted. Its members stay, without what it gave them.")
        return redirect("teams")
    context = {"team": found, "error": f"Type the name exactly: {found}" if wrong else ""}
    return render(request, "teams/delete.html", context, status=_WRONG if wrong else HTTPStatus.OK)


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def add_member(request: HttpRequest, team: int) -> HttpResponseBase:
    """Add `person` to the team."""
    found = _team(team)
    form = MemberForm(request.POST, team=found)
    if not form.is_valid():
        return _team_page(request, found, form)
    actions.add_member(found, form.cleaned_data["person"], by=gate.person(request))
    return redirect("team", team=team)


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def remove_member(request: HttpRequest, team: int, person: int) -> HttpResponseBase:
    """Take a member out of the team."""
    found = _team(team)
    member = get_object_or_404(User, pk=person)
    actions.remove_member(found, member, by=gate.person(request))
    messages.success(request, f"{member} is no member of {found} any more.")
    return redirect("team", team=team)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def grant(request: HttpRequest) -> HttpResponseBase:
    """Grant a role; the query's `to` and `on` choose in advance."""
    initial = {name: request.GET.get(name, "") for name in ("to", "on")}
    form = GrantForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            made = actions.grant(form.gift(), by=gate.person(request))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Granted: {made}.")
            return _to_where_it_is_listed(made)
    context = {"form": form}
    return render(request, "teams/grant.html", context, status=_WRONG if form.is_bound else HTTPStatus.OK)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view(Permission.CONSOLE_ACCESS)
@recent_login(form=True)
def regrant(request: HttpRequest, grant: int) -> HttpResponseBase:
    """Change a grant. 409 for the later of two people who change it at the same time."""
    found = get_object_or_404(queries.grants(), pk=grant)
    initial = {"role": found.role, "expires_at": found.expires_at, "version": found.version}
    form = EditForm(request.POST if request.method == "POST" else None, initial=initial)
    status = HTTPStatus.OK
    if form.is_valid():
        try:
            actions.regrant(found, **form.cleaned_data, by=gate.person(request))
        except Outrun as refusal:
            form.add_error(None, str(refusal))
            status = HTTPStatus.CONFLICT
        else:
            messages.success(request, f"Granted now: {found}.")
            return _to_where_it_is_listed(found)
    elif form.is_bound:
        status = _WRONG
    return render(request, "teams/grant.html", {"form": form, "grant": found}, status=status)


@require_POST
@console_view(Permission.CONSOLE_ACCESS)
@recent_login()
def withdraw(request: HttpRequest, grant: int) -> HttpResponseBase:
    """Take a grant back."""
    found = get_object_or_404(queries.grants(), pk=grant)
    actions.withdraw(found, by=gate.person(request))
    messages.success(request, f"Taken back: {found}.")
    return _to_where_it_is_listed(found)


@require_safe
@engine_view(Permission.ACCESS_VIEW, disabled_too=True)
def reach(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Who can reach this engine, and why; its grants, and those on its tags."""
    context = {
        "engine": engine,
        "reachers": [(person, reasons[0], reasons) for person, reasons in access.reachers(engine)],
        "grants": queries.grants_on(engine),
        "tags": engine.tags.all(),
        "administers": access.can(request.user, Permission.CONSOLE_ACCESS),
    }
    return render(request, "teams/reach.html", context)


def _team(pk: int) -> Team:
    return get_object_or_404(Team, pk=pk)


def _team_page(request: HttpRequest, team: Team, form: MemberForm | None = None) -> HttpResponse:
    context = {
        "team": team,
        "members": team.members.order_by("username"),
        "grants": queries.grants().filter(team=team),
        "form": form or MemberForm(team=team),
    }
    return render(request, "teams/detail.html", context, status=_WRONG if form else HTTPStatus.OK)


def _to_where_it_is_listed(found: Grant) -> HttpResponse:
    if found.team_id:
        return redirect("team", team=found.team_id)
    return redirect("user", person=found.user_id)
