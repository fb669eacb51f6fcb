"""Pages and downloads of logs, below an engine."""

from django.urls import path

from engines.logs import views

urlpatterns = [
    path("logs/", views.merged, name="logs"),
    path("containers/<str:container>/logs/", views.log, name="container-logs"),
    path("containers/<str:container>/logs/download/", views.whole, name="container-log-download"),
]
