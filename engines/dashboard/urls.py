"""The page one comes to first, and the side bar of all pages."""

from django.urls import path

from engines.dashboard import views

urlpatterns = [
    path("", views.fleet, name="fleet"),
    path("side/", views.side, name="side"),
]
