"""The table of contents of all pages."""

from django.urls import include, path

from engines.web.health import healthz, readyz

urlpatterns = [
    path("", include("engines.dashboard.urls")),
    path("", include("engines.accounts.urls")),
    path("", include("engines.users.urls")),
    path("", include("engines.teams.urls")),
    path("engines/", include("engines.endpoints.urls")),
    path("containers/", include("engines.containers.fleet_urls")),
    path("engines/<slug:slug>/containers/", include("engines.creation.urls")),
    path("engines/<slug:slug>/containers/", include("engines.containers.urls")),
    path("engines/<slug:slug>/containers/", include("engines.changing.urls")),
    path("engines/<slug:slug>/", include("engines.stats.urls")),
    path("engines/<slug:slug>/containers/", include("engines.diagnosis.urls")),
    path("engines/<slug:slug>/containers/", include("engines.files.urls")),
    path("engines/<slug:slug>/", include("engines.logs.urls")),
    path("engines/<slug:slug>/", include("engines.terminals.urls")),
    path("engines/<slug:slug>/limits/", include("engines.limits.urls")),
    path("engines/<slug:slug>/images/build/", include("engines.builds.urls")),
    path("engines/<slug:slug>/images/", include("engines.images.urls")),
    path("", include("engines.audit.urls")),
    path("operations/", include("engines.operations.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
