"""The form of an engine: structured fields become a valid Registration, or an error where it was typed.

Key material is never sent back to the browser, neither the stored nor what was just typed.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.text import slugify

from engines.client.endpoint import AddressInvalid, MaterialInvalid, TlsMaterial, parse
from engines.client.ssh import check_key
from engines.client.tls import check_material
from engines.endpoints.types import FIELDS_OF_SCHEME, MATERIAL_FIELDS, TLS_FIELDS, Registration
from engines.models import Engine
from engines.secrets import SecretUnreadable

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
#: `/engines/add/` is a page.
_RESERVED = frozenset({"add"})
_MATERIAL_BYTES = 1 << 16
_NOT_USED = {
    "unix": "A unix socket needs no key material: leave this empty.",
    "tcp": "tcp:// uses TLS, not SSH: leave this empty.",
    "ssh": "ssh:// uses an SSH key, not TLS: leave this empty.",
}


class KeyText(forms.Textarea):
    """Takes a pasted PEM text, and never shows one."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off", "class": "code"})

    def format_value(self, value: object) -> str:
        return ""


@dataclass(frozen=True)
class Part:
    """One piece of key material in the form: to paste, to upload, to remove; and whether it is stored."""

    field: forms.BoundField
    file: forms.BoundField
    remove: forms.BoundField
    stored: bool


def _pasted(label: str, help_text: str, begins: str) -> forms.CharField:
    field = forms.CharField(required=False, max_length=_MATERIAL_BYTES, label=label, help_text=help_text)
    field.widget = KeyText()
    field.widget.attrs["placeholder"] = f"-----BEGIN {begins}-----"
    return field


def _uploaded(label: str) -> forms.FileField:
    return forms.FileField(required=False, label=f"{label}, as a file", allow_empty_file=True)


def _removed(label: str) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=f"Remove the stored {label}")


class EngineForm(forms.Form):
    """A new engine, or changes of `engine`: there, empty key material keeps what is stored."""

    name = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        required=False,
        max_length=64,
        label="Short name",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
        help_text="Part of its addresses here: a-z, 0-9 and dashes. Made from the name when empty.",
    )
    url = forms.CharField(
        max_length=255,
        label="Address",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
        help_text="unix:///var/run/docker.sock, tcp://host:2376 with TLS, or ssh://user@host.",
    )
    tags = forms.CharField(
        required=False,
        max_length=512,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
        help_text="Words such as production, with commas between. Roles can be granted on all engines with a tag.",
    )
    plain_ok = forms.BooleanField(
        required=False,
        label="Speak plain TCP, without TLS",
        help_text="Whoever reaches that port is root on that host, and can read and change all that is sent.",
    )
    tls_ca = _pasted("CA certificate", "ca.pem: who issued the engine's certificate.", "CERTIFICATE")
    tls_ca_file = _uploaded("CA certificate")
    tls_ca_remove = _removed("CA certificate")
    tls_cert = _pasted("Client certificate", "cert.pem: proves this console to the engine.", "CERTIFICATE")
    tls_cert_file = _uploaded("Client certificate")
    tls_cert_remove = _removed("client certificate")
    tls_key = _pasted("Client key", "key.pem: its private key, without a passphrase.", "PRIVATE KEY")
    tls_key_file = _uploaded("Client key")
    tls_key_remove = _removed("client key")
    ssh_key = _pasted(
        "SSH key",
        "A private key that the host accepts for this user, without a passphrase.",
        "OPENSSH PRIVATE KEY",
    )
    ssh_key_file = _uploaded("SSH key")
    ssh_key_remove = _removed("SSH key")

    # The edition that these are changes of.
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, engine: Engine | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine = engine
        if engine is None:
            del self.fields["seen"]
        else:
            self.fields[
                "slug"
            ].help_text = "Part of its addresses here: with another one, kept links to it stop working."
        self._scheme = ""
        self._material: dict[str, str] = {}

    def registration(self) -> Registration:
        """What the valid form says."""
        fields = self.cleaned_data
        return Registration(fields["name"], fields["slug"], fields["url"], fields["tags"], **self._material)

    def tls_parts(self) -> list[Part]:
        return [self._part(field) for field in TLS_FIELDS]

    def ssh_parts(self) -> list[Part]:
        return [self._part("ssh_key")]

    def tls_open(self) -> bool:
        """Whether the part about TLS has something to show."""
        return self._open("tcp", ("plain_ok", *TLS_FIELDS))

    def ssh_open(self) -> bool:
        """Whether the part about SSH has something to show."""
        return self._open("ssh", ("ssh_key",))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("The name may hold printable characters only.")
        if self._others().filter(name__iexact=name).exists():
            raise forms.ValidationError("Another engine has this name.")
        return name

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if not slug:
            slug = self.engine.slug if self.engine else slugify(self.cleaned_data.get("name", ""))[:64].strip("-_")
            slug = slug.replace("_", "-")
        if not _SLUG.fullmatch(slug):
            raise forms.ValidationError(
                "Give a short name of a-z, 0-9 and dashes, which starts and ends without a dash."
            )
        if slug in _RESERVED:
            raise forms.ValidationError(f"{slug} is the name of a page: choose another short name.")
        if self._others().filter(slug=slug).exists():
            raise forms.ValidationError("Another engine has this short name.")
        return slug

    def clean_url(self) -> str:
        try:
            address = parse(self.cleaned_data["url"])
        except AddressInvalid as error:
            raise forms.ValidationError(str(error)) from error
        _refuse_special(address.host)
        self._scheme = address.scheme
        return str(address)

    def clean_tags(self) -> tuple[str, ...]:
        words = (word.strip().lower() for word in self.cleaned_data["tags"].split(","))
        tags = tuple(sorted({word for word in words if word}))
        for tag in tags:
            if not _SLUG.fullmatch(tag):
                raise forms.ValidationError("Write each tag with a-z, 0-9 and dashes, and commas between tags.")
        return tags

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = {field: self._given(field) for field in MATERIAL_FIELDS}
        if not self._scheme:
            return cleaned
        for field, text in given.items():
            if text and field not in FIELDS_OF_SCHEME[self._scheme]:
                self.add_error(field, _NOT_USED[self._scheme])
        self._material = {field: given[field] or self._kept(field) for field in FIELDS_OF_SCHEME[self._scheme]}
        if self._scheme == "tcp" and not self._broken(TLS_FIELDS):
            self._check_tls(changed=self._changed(given))
        if self._scheme == "ssh" and not self._broken(("ssh_key",)):
            self._check_ssh(changed=self._changed(given))
        return cleaned

    def _part(self, field: str) -> Part:
        return Part(self[field], self[f"{field}_file"], self[f"{field}_remove"], self._stored(field))

    def _stored(self, field: str) -> bool:
        # A sealed one is not opened to find out.
        attribute = f"{field}_sealed" if field in {"tls_key", "ssh_key"} else field
        return self.engine is not None and bool(getattr(self.engine, attribute))

    def _open(self, scheme: str, fields: tuple[str, ...]) -> bool:
        return str(self["url"].value() or "").startswith(f"{scheme}:") or self._broken(fields)

    def _others(self) -> QuerySet[Engine]:
        return Engine.objects.exclude(pk=self.engine.pk) if self.engine else Engine.objects.all()

    def _given(self, field: str) -> str:
        """What was pasted or uploaded for `field`; adds the error and gives nothing when that cannot be used."""
        pasted: str = self.cleaned_data.get(field) or ""
        upload: UploadedFile | None = self.cleaned_data.get(f"{field}_file")
        if upload is None:
            return pasted.replace("\r\n", "\n")
        if pasted:
            self.add_error(field, "Paste it or choose a file, not both.")
            return ""
        try:
            return _text_of(upload)
        except forms.ValidationError as error:
            self.add_error(field, error)
            return ""

    def _kept(self, field: str) -> str:
        if self.engine is None or self.cleaned_data.get(f"{field}_remove"):
            return ""
        try:
            return str(getattr(self.engine, field))
        except SecretUnreadable:
            self.add_error(field, "What is stored cannot be decrypted with this console's keys: give it again.")
            return ""

    def _broken(self, fields: tuple[str, ...]) -> bool:
        return any(field in self.errors for field in fields)

    def _changed(self, given: dict[str, str]) -> bool:
        # What is stored was checked when it came. A certificate that has expired since must not block another name.
        removed = any(self.cleaned_data.get(f"{field}_remove") for field in MATERIAL_FIELDS)
        return self.engine is None or removed or any(given.values()) or not self.engine.url.startswith(self._scheme)

    def _check_tls(self, *, changed: bool) -> None:
        material = TlsMaterial(self._material["tls_ca"], self._material["tls_cert"], self._material["tls_key"])
        if not (material.ca or material.cert or material.key):
            if not self.cleaned_data.get("plain_ok"):
                self.add_error("plain_ok", "Give TLS material above, or tick this to do without.")
            return
        try:
            if changed:
                check_material(material)
        except MaterialInvalid as error:
            self.add_error(error.field, error.sentence)

    def _check_ssh(self, *, changed: bool) -> None:
        key = self._material["ssh_key"]
        if not key:
            self.add_error("ssh_key", "Paste a private key that the host accepts for this user.")
            return
        try:
            self._material["ssh_key"] = check_key(key) if changed else key
        except MaterialInvalid as error:
            self.add_error(error.field, error.sentence)


def _text_of(upload: UploadedFile) -> str:
    if (upload.size or 0) > _MATERIAL_BYTES:
        raise forms.ValidationError(
            "The file is larger than 64 KiB: choose the one with this key or certificate alone."
        )
    try:
        text = bytes(upload.read()).decode()
    except UnicodeDecodeError as error:
        raise forms.ValidationError("The file is not text in PEM format.") from error
    if not text.strip() or "\0" in text:
        raise forms.ValidationError("The file is empty, or not text in PEM format.")
    return text.replace("\r\n", "\n").strip()


def _refuse_special(host: str) -> None:
    """Refuse addresses at which no engine can be, but a cloud's metadata service or everybody at once."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address.is_unspecified or address.is_multicast:
        raise forms.ValidationError(
            "Give the address of a host: link-local, multicast and unspecified ones are refused."
        )
