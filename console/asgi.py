"""The web process: pages and sockets, each behind what holds for all of them."""

import os
from typing import cast

import django
from asgiref.typing import ASGI3Application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402 (needs the settings)
from channels.db import database_sync_to_async  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

from console.doors import ExactOrigins, LimitedBody  # noqa: E402
from engines.accounts.sessions import is_logged_in  # noqa: E402
from engines.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": LimitedBody(
            cast(ASGI3Application, get_asgi_application()),
            settings.UPLOAD_BYTES,
            settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
            database_sync_to_async(is_logged_in),
        ),
        "websocket": ExactOrigins(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.ORIGINS),
    }
)
