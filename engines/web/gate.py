"""What guards every view: each declares the Permission it needs, or that it is public and why."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from engines import access
from engines.client.errors import EngineError
from engines.models import Engine
from engines.permissions import Permission
from engines.secrets import SecretUnreadable
from engines.trail import write as trail
from engines.web import recent

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
EngineView = Callable[Concatenate[HttpRequest, Engine, P], HttpResponseBase]

#: Attribute that a test of the repository reads on every view.
DECLARATION = "declared_permission"


def public(reason: str) -> Callable[[View[P]], View[P]]:
    """Declare that a view answers anybody, and say why."""

    def declare(view: View[P]) -> View[P]:
        setattr(view, DECLARATION, f"public: {reason}")
        return view

    return declare


def login_view(reason: str, *, enrolling: bool = False) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A view for anybody logged in. Say why no permission is needed.

    `enrolling`: also for those who must have a second factor and have none yet; they see nothing else.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return stopped(request, enrolling=enrolling) or view(request, *args, **kwargs)

        setattr(guarded, DECLARATION, f"login: {reason}")
        return guarded

    return decorate


def console_view(permission: Permission) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A view about the console itself, for those who hold `permission` (`console.*`): administrators."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            stop = stopped(request)
            if stop is not None:
                return stop
            if not access.can(request.user, permission):
                sentence = "Only administrators of this console may do that."
                trail.refused(permission, by=request.user, subject=request.path, sentence=sentence)
                raise PermissionDenied(sentence)
            return view(request, *args, **kwargs)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def engine_view(
    permission: Permission, *, disabled_too: bool = False
) -> Callable[[EngineView[P]], Callable[..., HttpResponseBase]]:
    """Resolve the engine of `slug` through what the user may see, and check `permission` on it.

    Nobody logged in: redirect to the login page. Stranger to the engine: 404, as if it did not exist.
    Too weak a role: 403. A disabled engine: 409, unless `disabled_too`. One that fails: 502 with what happened.
    """

    def decorate(view: EngineView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            stop = stopped(request)
            if stop is not None:
                return stop
            engine = resolve(person(request), slug, permission)
            if not engine.enabled and not disabled_too:
                return engine_disabled(request, engine)
            try:
                return view(request, engine, *args, **kwargs)
            except (EngineError, SecretUnreadable) as error:
                return engine_failed(request, engine, error)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def recent_login(*, form: bool = False) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A sensitive view: who has not logged in, or given a password or factor again, for 10 minutes is asked to.

    Stands below the gate, so that only those who may are asked. `form`: a page with a form; what was typed into it
    may be sent until 30 minutes after the proof.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def asking(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return recent.ask_again(request, person(request), form=form) or view(request, *args, **kwargs)

        return asking

    return decorate


def resolve(user: User, slug: str, permission: Permission) -> Engine:
    """The engine of `slug`, when `user` holds `permission` on it. Raises Http404 or PermissionDenied."""
    engine = access.visible_engines(user).select_related("state").filter(slug=slug).first()
    if engine is None:
        hidden = Engine.objects.filter(slug=slug).first()
        if hidden is not None:
            trail.refused(permission, by=user, engine=hidden, sentence="No role on this engine.")
        raise Http404("No such engine.")
    require(user, permission, engine)
    return engine


def require(user: User, permission: Permission, engine: Engine, subject: str = "") -> None:
    """Raises PermissionDenied, and writes it down, when `user` does not hold `permission` on `engine` now."""
    if access.can(user, permission, engine):
        return
    sentence = f"Your role on {engine.name} does not include {permission.value}."
    trail.refused(permission, by=user, engine=engine, subject=subject, sentence=sentence)
    raise PermissionDenied(sentence)


def engine_failed(request: HttpRequest, engine: Engine, error: EngineError | SecretUnreadable) -> HttpResponse:
    """502: what the engine did, as a page, or as a notice where htmx asked for a part of one."""
    return _engine_notice(request, engine, str(error), getattr(error, "advice", ""), HTTPStatus.BAD_GATEWAY)


def engine_disabled(request: HttpRequest, engine: Engine) -> HttpResponse:
    """409: nothing is asked of a disabled engine."""
    advice = "An administrator can enable it again on its overview page."
    return _engine_notice(request, engine, "This engine is disabled.", advice, HTTPStatus.CONFLICT)


def _engine_notice(request: HttpRequest, engine: Engine, sentence: str, advice: str, status: int) -> HttpResponse:
    template = "errors/engine.html" + ("#notice" if request.headers.get("HX-Request") else "")
    context = {"engine": engine, "sentence": sentence, "advice": advice, "status": status}
    return render(request, template, context, status=status)


def stopped(request: HttpRequest, *, enrolling: bool = False) -> HttpResponse | None:
    """The answer to who is not logged in, or has to get a second factor first; None for everybody else."""
    if isinstance(request.user, AnonymousUser):
        return to_login(request)
    if not enrolling and access.must_enrol(request.user):
        return _to_enrolment(request)
    return None


def _to_enrolment(request: HttpRequest) -> HttpResponse:
    page = reverse("mfa_index")
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(page)
    return HttpResponse(status=204, headers={"HX-Redirect": page})


def to_login(request: HttpRequest) -> HttpResponse:
    """To the login page and back; a part of a page sends the whole page there."""
    redirect = redirect_to_login(request.get_full_path())
    if not request.headers.get("HX-Request"):
        return redirect
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


def person(request: HttpRequest) -> User:
    """Who is logged in. Only for views behind one of the gates above."""
    if isinstance(request.user, AnonymousUser):
        raise PermissionDenied("Log in first.")
    return request.user
