"""Sockets that ask one engine, that of their URL's `slug`; most of them about one of its containers."""

from typing import ClassVar

from django.contrib.auth.models import User

from engines import access, reach
from engines.client.endpoint import Endpoint
from engines.live.gate import DISABLED, GatedConsumer, Refused
from engines.models import Engine
from engines.permissions import Permission
from engines.web.gate import resolve


class OneEngineConsumer(GatedConsumer):
    """Open as long as the person holds `permission` on the engine, and the engine is not disabled."""

    permission: ClassVar[Permission]

    def rights(self, user: User) -> frozenset[object]:
        engine = Engine.objects.filter(slug=self._slug).first()
        if engine is None:
            return frozenset()
        held = access.held(user, engine)
        if held and not engine.enabled:
            raise Refused(DISABLED)
        return self._kept(held, engine)

    def deny(self, user: User) -> None:
        resolve(user, self._slug, self.permission)

    def _kept(self, held: frozenset[Permission], engine: Engine) -> frozenset[Permission]:
        """What of `held` counts here: without `permission` where it takes more than that."""
        return held

    def _endpoint(self) -> Endpoint:
        """How the engine is reached now. Raises SecretUnreadable."""
        return reach.endpoint(Engine.objects.get(slug=self._slug))

    @property
    def _slug(self) -> str:
        slug: str = self.scope["url_route"]["kwargs"]["slug"]
        return slug

    @property
    def _container(self) -> str:
        """As the URL names it; empty where it names none."""
        container: str = self.scope["url_route"]["kwargs"].get("container", "")
        return container
