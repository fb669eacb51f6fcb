"""What guards every view: each declares the Permission it needs, or that it is public and why."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from engines import access
from engines.models import Engine
from engines.permissions import Permission

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


def engine_view(permission: Permission) -> Callable[[EngineView[P]], Callable[..., HttpResponseBase]]:
    """Resolve the engine of `slug` through what the user may see, and check `permission` on it.

    Nobody logged in: redirect to the login page. Stranger to the engine: 404, as if it did not exist.
    Too weak a role: 403.
    """

    def decorate(view: EngineView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = request.user
            if isinstance(user, AnonymousUser):
                return redirect_to_login(request.get_full_path())
            return view(request, resolve(user, slug, permission), *args, **kwargs)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def resolve(user: User, slug: str, permission: Permission) -> Engine:
    """The engine of `slug`, when `user` holds `permission` on it. Raises Http404 or PermissionDenied."""
    engine = access.visible_engines(user).filter(slug=slug).first()
    if engine is None:
        raise Http404("No such engine.")
    if not access.can(user, permission, engine):
        raise PermissionDenied(f"Your role on {engine.name} does not include {permission.value}.")
    return engine
