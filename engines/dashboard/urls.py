"""The page one comes to first."""

from django.urls import path

from engines.dashboard import views

urlpatterns = [path("", views.fleet, name="fleet")]
