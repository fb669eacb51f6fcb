"""Pages of statistics, below an engine."""

from django.urls import path

from engines.stats import views

urlpatterns = [
    path("stats/", views.engine_stats, name="engine-stats"),
    path("containers/<str:container>/stats/", views.container_stats, name="container-stats"),
]
