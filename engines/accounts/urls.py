"""Addresses of the account pages. A literal list: of allauth's own only what is served here is reachable."""

from django.urls import path

from engines.accounts import views

urlpatterns = [
    path("accounts/login/", views.login, name="account_login"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/password/change/", views.change_password, name="account_change_password"),
    path("accounts/profile/", views.profile, name="profile"),
    path("setup/", views.setup, name="setup"),
]
