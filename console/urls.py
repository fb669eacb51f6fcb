"""The table of contents of the console; resources add theirs in `engines.urls`."""

from django.urls import include, path

urlpatterns = [path("", include("engines.urls"))]
