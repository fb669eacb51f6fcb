"""Addresses of the account pages. A literal list: of allauth's own only what is served here is reachable."""

from django.urls import path

from engines.accounts import factor_views, policy, sso_views, token_views, views

urlpatterns = [
    path("accounts/login/", views.login, name="account_login"),
    path("accounts/sso/", sso_views.begin, name="sso-login"),
    path("accounts/sso/callback/", sso_views.callback, name="sso-callback"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/password/change/", views.change_password, name="account_change_password"),
    path("accounts/confirm/", factor_views.reauthenticate, name="account_reauthenticate"),
    path("accounts/confirm/code/", factor_views.reauthenticate_by_code, name="mfa_reauthenticate"),
    path("accounts/confirm/passkey/", factor_views.reauthenticate_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("accounts/login/second-step/", factor_views.authenticate, name="mfa_authenticate"),
    path("accounts/login/passkey/", factor_views.login_by_passkey, name="mfa_login_webauthn"),
    path("accounts/factors/", factor_views.index, name="mfa_index"),
    path("accounts/factors/app/add/", factor_views.activate_totp, name="mfa_activate_totp"),
    path("accounts/factors/app/remove/", factor_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/factors/passkeys/add/", factor_views.add_passkey, name="mfa_add_webauthn"),
    path("accounts/factors/passkeys/<int:pk>/remove/", factor_views.remove_passkey, name="mfa_remove_webauthn"),
    path("accounts/factors/codes/", factor_views.view_codes, name="mfa_view_recovery_codes"),
    path("accounts/factors/codes/new/", factor_views.generate_codes, name="mfa_generate_recovery_codes"),
    path("accounts/logins/", views.logins, name="usersessions_list"),
    path("accounts/logins/<int:pk>/end/", views.end_login, name="login-end"),
    path("accounts/logins/end-others/", views.end_other_logins, name="logins-end-others"),
    path("accounts/tokens/", token_views.tokens, name="tokens"),
    path("accounts/tokens/add/", token_views.add, name="token-add"),
    path("accounts/tokens/<int:pk>/revoke/", token_views.revoke, name="token-revoke"),
    path("accounts/profile/", views.profile, name="profile"),
    path("users/policy/", policy.edit, name="access-policy"),
    path("setup/", views.setup, name="setup"),
]
