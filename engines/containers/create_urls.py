"""Pages on which containers are made."""

from django.urls import path

from engines.containers import create_views

urlpatterns = [
    path("create/", create_views.create, name="container-create"),
]
