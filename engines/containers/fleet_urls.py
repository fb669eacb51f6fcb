"""Pages of the containers of all engines."""

from django.urls import path

from engines.containers import fleet_views

urlpatterns = [
    path("", fleet_views.fleet_list, name="all-containers"),
    path("bulk/", fleet_views.fleet_bulk, name="all-containers-bulk"),
    path("columns/", fleet_views.fleet_columns, name="all-containers-columns"),
]
