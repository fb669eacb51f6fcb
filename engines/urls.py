"""The table of contents of all pages."""

from django.urls import path

from engines.web.health import healthz

urlpatterns = [path("healthz", healthz, name="healthz")]
