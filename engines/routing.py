"""The table of contents of all sockets."""

from django.urls import path

from engines.live.changes import EngineConsumer, FleetConsumer
from engines.live.logs import LogConsumer
from engines.live.operation import OperationConsumer
from engines.live.stats import ContainerStatsConsumer, EngineStatsConsumer
from engines.live.terminal import TerminalConsumer

websocket_urlpatterns = [
    path("ws/fleet/", FleetConsumer.as_asgi()),
    path("ws/engines/<slug:slug>/events/", EngineConsumer.as_asgi()),
    path("ws/engines/<slug:slug>/containers/<str:container>/logs/", LogConsumer.as_asgi()),
    path("ws/engines/<slug:slug>/stats/", EngineStatsConsumer.as_asgi()),
    path("ws/engines/<slug:slug>/containers/<str:container>/stats/", ContainerStatsConsumer.as_asgi()),
    path("ws/engines/<slug:slug>/containers/<str:container>/terminal/", TerminalConsumer.as_asgi()),
    path("ws/operations/<uuid:pk>/", OperationConsumer.as_asgi()),
]
