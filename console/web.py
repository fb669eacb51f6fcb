"""Run the web process: `python -m console.web`."""

import os
import socket

import django
import uvicorn
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from engines.terminals.session import end_all  # noqa: E402 (needs the settings)


class _Server(uvicorn.Server):
    """Ends what would live on without this process, before it ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await end_all()
        await super().shutdown(sockets)


def main() -> None:
    config = uvicorn.Config(
        "console.asgi:application",
        host=settings.BIND,
        port=settings.PORT,
        # Django's LOGGING holds for all.
        log_config=None,
        access_log=False,
        server_header=False,
        # Who the client is and whether it came by TLS is read from headers by Django alone, as the settings say.
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        # Compressing build logs costs more time than it saves, and terminals mix secrets with chosen text.
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
