"""Pages about how an engine is reached."""

from django.urls import path

from engines.endpoints import views

urlpatterns = [
    path("add/", views.add, name="endpoint-add"),
    path("<slug:slug>/", views.overview, name="endpoint"),
    path("<slug:slug>/edit/", views.edit, name="endpoint-edit"),
    path("<slug:slug>/test/", views.test, name="endpoint-test"),
    path("<slug:slug>/trust/", views.trust, name="endpoint-trust"),
    path("<slug:slug>/forget-host-key/", views.forget_host_key, name="endpoint-forget-host-key"),
    path("<slug:slug>/disable/", views.disable, name="endpoint-disable"),
    path("<slug:slug>/enable/", views.enable, name="endpoint-enable"),
    path("<slug:slug>/remove/", views.remove, name="endpoint-remove"),
]
