"""Pages that look into one container, below the engine's containers."""

from django.urls import path

from engines.diagnosis import views

urlpatterns = [
    path("<str:container>/inspect/", views.inspect, name="container-inspect"),
    path("<str:container>/processes/", views.processes, name="container-processes"),
    path("<str:container>/health/", views.health, name="container-health"),
    path("<str:container>/why/", views.why, name="container-why"),
]
