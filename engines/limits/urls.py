"""Pages of an engine's limits."""

from django.urls import path

from engines.limits import views

urlpatterns = [
    path("", views.limits, name="limits"),
    path("edit/", views.edit, name="limits-edit"),
    path("try/", views.trial, name="limits-try"),
]
