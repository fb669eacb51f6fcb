"""allauth's forms of second factors, with what it leaves to its users: a code works once, seeds are never in clear."""

from collections.abc import Callable
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal.auth import get_state
from django import forms

from engines.accounts import factors
from engines.secrets import SecretUnreadable
from engines.trail import write as trail


class _OneTimeCode(BaseAuthenticateForm):  # type: ignore[misc]  # allauth carries no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code_field(self.fields["code"])

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()
        except SecretUnreadable as error:
            raise forms.ValidationError(f"{error} Ask an administrator of this console.") from error
        if self.authenticator.type == Authenticator.Type.TOTP and not factors.take_step(self.user):
            self._emit_authentication_failed(self.authenticator)
            raise forms.ValidationError("This code was used already. Wait for the next one.")
        return code


class OwnAuthenticateForm(_OneTimeCode, AuthenticateForm):  # type: ignore[misc]
    """A code of the app or a recovery code, at login."""


class OwnReauthenticateForm(_OneTimeCode, ReauthenticateForm):  # type: ignore[misc]
    """A code again, before a sensitive act."""


class OwnActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app. Until then its seed waits in the session, encrypted as it is stored later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        # allauth's own would put the seed into the session in clear.
        forms.Form.__init__(self, *args, **kwargs)
        _code_field(self.fields["code"])
        self.secret = _pending_seed()

    def clean_code(self) -> str:
        code: str = super().clean_code()
        if not factors.take_step(self.user):
            raise forms.ValidationError("This code was used already. Wait for the next one.")
        return code


class OwnPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A name and what the browser made. Whether a passkey works without the password, its maker decides."""

    passwordless = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            max_length=64, required=False, help_text="By which you tell it from others, such as the device's name."
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = _well_formed(super().clean)
        return cleaned


class PasskeyLoginForm(LoginWebAuthnForm):  # type: ignore[misc]
    """A login with nothing but a passkey, which has to have verified its owner."""

    def clean_credential(self) -> Authenticator:
        # A challenge that was made for a second step does not ask for that.
        if (get_state() or {}).get("user_verification") != "required":
            raise get_adapter().validation_error("incorrect_code")
        return _well_formed(super().clean_credential)


class OwnPasskeyStepForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step of a login."""

    def clean_credential(self) -> Authenticator:
        try:
            return _well_formed(super().clean_credential)
        except forms.ValidationError as error:
            # Not what was refused unread because of too many before it: that would be written without end.
            if error.code == "incorrect_code":
                trail.note(
                    "login.failed",
                    by=self.user,
                    outcome=trail.Outcome.DENIED,
                    subject=str(self.user),
                    parameters={"method": "passkey"},
                )
            raise


class OwnPasskeyConfirmForm(OwnPasskeyStepForm, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey again, before a sensitive act."""


def _well_formed(check: Callable[[], Any]) -> Any:
    """What a browser sends is parsed by a library that raises whatever it stumbles over."""
    try:
        return check()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise get_adapter().validation_error("incorrect_code") from error


def _code_field(field: forms.Field) -> None:
    field.max_length = 32  # type: ignore[attr-defined]
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs |= {"autofocus": True, "inputmode": "numeric", "maxlength": 32, "spellcheck": "false"}


def _pending_seed() -> str:
    session = context.request.session
    sealed = session.get(SECRET_SESSION_KEY)
    if sealed:
        try:
            seed: str = get_adapter().decrypt(sealed)
            return seed
        except SecretUnreadable:
            pass
    seed = generate_totp_secret()
    session[SECRET_SESSION_KEY] = get_adapter().encrypt(seed)
    return seed
