"""Terminals in containers, and what is recorded of them, below the engine."""

from django.urls import path

from engines.terminals import recording_views, views

urlpatterns = [
    path("containers/<str:container>/terminal/", views.terminal, name="container-terminal"),
    path("containers/<str:container>/exec/", views.run, name="container-exec"),
    path("recordings/", recording_views.recordings, name="recordings"),
    path("recordings/<uuid:pk>/", recording_views.recording, name="recording"),
    path("recordings/<uuid:pk>/cast/", recording_views.cast, name="recording-cast"),
]
