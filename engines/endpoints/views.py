"""Pages about how engines are reached."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engines import access
from engines.endpoints import actions, queries
from engines.endpoints.actions import Outrun, Refused
from engines.endpoints.forms import EngineForm
from engines.endpoints.types import MATERIAL_FIELDS, Contact
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import console_view, engine_view, person, recent_login
from engines.web.respond import respond

_CHANGED = "ssh-host-key-changed"
_UNKNOWN = "ssh-host-key-unknown"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters(*MATERIAL_FIELDS)
@console_view(Permission.CONSOLE_ENGINES)
@recent_login(form=True)
def add(request: HttpRequest) -> HttpResponseBase:
    """Register an engine; `?local` fills the form for this machine's own. The button `test` only tries it."""
    if request.method != "POST":
        local = queries.local_engine()
        initial = {"name": "local", "slug": "local", "url": local} if local and "local" in request.GET else {}
        return _form_page(request, EngineForm(initial=initial), local=local)
    form = EngineForm(request.POST, request.FILES)
    if "test" in request.POST:
        return _tried(request, form)
    return _saved(request, form) or _form_page(request, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters(*MATERIAL_FIELDS)
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login(form=True)
def edit(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Change a registration; empty key material keeps what is stored."""
    if request.method != "POST":
        plain = engine.url.startswith("tcp:") and not (engine.tls_ca or engine.tls_cert)
        tags = ", ".join(tag.name for tag in engine.tags.all())
        initial = {"name": engine.name, "slug": engine.slug, "url": engine.url, "tags": tags, "plain_ok": plain}
        initial["seen"] = queries.edition(engine)
        return _form_page(request, EngineForm(initial=initial, engine=engine))
    form = EngineForm(request.POST, request.FILES, engine=engine)
    if "test" in request.POST:
        return _tried(request, form)
    return _saved(request, form) or _form_page(request, form, status=422)


@require_safe
@never_cache
@engine_view(Permission.ENGINE_VIEW, disabled_too=True)
def overview(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """What is known of the engine and what it says now, asked once. Its `state` part asks nothing of the engine."""
    context: dict[str, Any] = {"engine": engine, "state": getattr(engine, "state", None)}
    if not request.headers.get("HX-Request"):
        user = person(request)
        context["tags"] = engine.tags.all()
        context["held"] = access.held(user, engine)
        context |= _contact_context(request, engine, queries.ask(engine) if engine.enabled else None)
        context["twins"] = queries.twins(engine, user)
    return respond(request, "endpoints/overview.html", context, partial="state")


@require_POST
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
def test(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Try to reach the engine now, and pin what was agreed with it."""
    contact = actions.contact(engine, by=person(request))
    if request.headers.get("HX-Request"):
        context = _contact_context(request, engine, contact) | {"tested": True}
        return render(request, "endpoints/overview.html#contact", context)
    _tell(request, engine, contact)
    return redirect("endpoint", slug=engine.slug)


@require_POST
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login()
def trust(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Pin the SSH host keys whose fingerprints were shown, and try the engine with them."""
    try:
        actions.trust(engine, request.POST.get("fingerprints", "").split(), by=person(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        _tell(request, engine, actions.contact(engine, by=person(request)))
    return redirect("endpoint", slug=engine.slug)


@require_POST
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login()
def forget_host_key(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Take back the confirmation of the SSH host keys."""
    actions.forget_host_key(engine, by=person(request))
    messages.success(request, "The host key is forgotten. Confirm the one the host shows now to use the engine again.")
    return redirect("endpoint", slug=engine.slug)


@require_POST
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login()
def disable(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Stop following and asking the engine."""
    actions.set_enabled(engine, False, by=person(request))
    messages.success(request, f"{engine.name} is disabled.")
    return redirect("endpoint", slug=engine.slug)


@require_POST
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login()
def enable(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Follow the engine again."""
    actions.set_enabled(engine, True, by=person(request))
    messages.success(request, f"{engine.name} is enabled.")
    return redirect("endpoint", slug=engine.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@engine_view(Permission.CONSOLE_ENGINES, disabled_too=True)
@recent_login(form=True)
def remove(request: HttpRequest, engine: Engine) -> HttpResponseBase:
    """Ask, with the name to be typed as `confirm`; then forget the engine."""
    error = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == engine.name:
            try:
                actions.remove(engine, by=person(request))
            except Refused as refusal:
                error = str(refusal)
            else:
                messages.success(request, f"{engine.name} is removed from this console. Nothing was changed on it.")
                return redirect("fleet")
        else:
            error = f"Type the name exactly: {engine.name}"
    return render(request, "endpoints/remove.html", {"engine": engine, "error": error}, status=422 if error else 200)


def _saved(request: HttpRequest, form: EngineForm) -> HttpResponse | None:
    """Store what the form says, try it, and go to its page; None when the form has errors."""
    if not form.is_valid():
        return None
    try:
        engine = _stored(form, by=person(request))
    except Outrun as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, form, status=409)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    if engine.enabled:
        _tell(request, engine, actions.contact(engine, by=person(request)))
    return redirect("endpoint", slug=engine.slug)


def _stored(form: EngineForm, *, by: User) -> Engine:
    registration = form.registration()
    if form.engine is None:
        return actions.register(registration, by=by)
    return actions.update(form.engine, registration, seen=form.cleaned_data["seen"], by=by)


def _tried(request: HttpRequest, form: EngineForm) -> HttpResponse:
    """Try what was typed without storing it. As a part of the page, so that typed keys stay where they were typed."""
    valid = form.is_valid()
    contact = queries.ask(actions.draft(form.registration(), form.engine)) if valid else None
    context = {"form": form, "engine": form.engine, "contact": contact, "tested": True}
    return respond(request, "endpoints/form.html", context, partial="tested", status=200 if valid else 422)


def _form_page(request: HttpRequest, form: EngineForm, *, local: str = "", status: int = 200) -> HttpResponse:
    context = {"form": form, "engine": form.engine, "local": local, "status": status}
    return render(request, "endpoints/form.html", context, status=status)


def _contact_context(request: HttpRequest, engine: Engine, contact: Contact | None) -> dict[str, Any]:
    code = contact.code if contact else ""
    return {
        "engine": engine,
        "contact": contact,
        "to_confirm": code == _UNKNOWN,
        "changed": code == _CHANGED,
        "confirmed": queries.confirmed_keys(engine),
        "certificates": queries.certificates(engine),
        "plain": engine.url.startswith("tcp:") and not (engine.tls_ca or engine.tls_cert),
        "may_edit": access.can(person(request), Permission.CONSOLE_ENGINES),
    }


def _tell(request: HttpRequest, engine: Engine, contact: Contact) -> None:
    if contact.probe:
        messages.success(request, f"{engine.name} answers: Docker Engine {contact.probe.version}.")
    elif contact.code == _UNKNOWN:
        messages.info(request, f"{engine.name} is stored. Compare and confirm the host's SSH key to use it.")
    else:
        # The page it leads to says why.
        messages.warning(request, f"{engine.name} is stored, but could not be reached.")
