"""Pages about people."""

from django.urls import path

from engines.users import views

urlpatterns = [
    path("users/", views.people, name="users"),
    path("users/invite/", views.invite, name="user-invite"),
    path("users/<int:person>/", views.detail, name="user"),
    path("users/<int:person>/on/<slug:slug>/", views.on_engine, name="user-on-engine"),
    path("users/<int:person>/reset/", views.reset, name="user-reset"),
    path("users/<int:person>/disable/", views.disable, name="user-disable"),
    path("users/<int:person>/enable/", views.enable, name="user-enable"),
    path("users/<int:person>/promote/", views.promote, name="user-promote"),
    path("users/<int:person>/demote/", views.demote, name="user-demote"),
    path("users/<int:person>/end-sessions/", views.end_sessions, name="user-end-sessions"),
    path("users/<int:person>/remove-factors/", views.remove_factors, name="user-remove-factors"),
    path("users/<int:person>/delete/", views.delete, name="user-delete"),
    path("accounts/set-password/", views.set_password, name="set-password"),
]
