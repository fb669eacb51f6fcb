"""Forms of what changes a container while it stays the same one."""

import ipaddress
import json
import re
import uuid
from typing import Any

from django import forms

from engines.changing.actions import REMOVABLE
from engines.client.ids import IdInvalid, parse_reference, require_name
from engines.spec.types import ContainerSpec, Join

_MEBIBYTE = 1 << 20
_CPUSET = re.compile(r"\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*")
_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")
#: What a commit may change of the image, as in a Dockerfile. Not among them: what adds files or runs anything.
_CHANGES = "CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL STOPSIGNAL USER VOLUME WORKDIR"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_POLICIES = [
    ("no", "Never"),
    ("on-failure", "When it fails"),
    ("unless-stopped", "Always, unless stopped"),
    ("always", "Always, even after a stop when the engine restarts"),
]
#: Field of the form -> field of the spec, and how many of the spec's units one of the form's is.
_UNITS = {
    "memory": ("memory_bytes", _MEBIBYTE),
    "memory_reservation": ("memory_reservation_bytes", _MEBIBYTE),
    "memory_swap": ("memory_swap_bytes", _MEBIBYTE),
    "cpus": ("nano_cpus", 1_000_000_000),
    "cpu_shares": ("cpu_shares", 1),
    "pids": ("pids", 1),
    "blkio_weight": ("blkio_weight", 1),
    "restart_retries": ("restart_retries", 1),
}


class RenameForm(forms.Form):
    """Its new name."""

    name = forms.CharField(
        max_length=255, label="New name", widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"})
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if len(name) < 2:
            raise forms.ValidationError("A name has at least two characters.")
        try:
            return require_name(name)
        except IdInvalid as error:
            raise forms.ValidationError(str(error)) from error


def _number(label: str, help_text: str = "", *, least: int = 0, most: int = 1 << 24) -> forms.IntegerField:
    return forms.IntegerField(min_value=least, max_value=most, required=False, label=label, help_text=help_text)


class LiveForm(forms.Form):
    """Limits that can be changed while it runs. Empty stands for none."""

    memory = _number("Memory limit, MiB", "It is killed above this.")
    memory_reservation = _number("Memory it should get by with, MiB", "Taken back to this when the host runs short.")
    memory_swap = _number("Memory and swap together, MiB", "-1: swap without limit.", least=-1)
    pids = _number("Process limit", most=4_194_304)
    cpus = forms.DecimalField(
        min_value=0, max_value=1024, decimal_places=3, required=False, label="CPUs", help_text="Such as 1.5."
    )
    cpu_shares = _number("CPU shares", "Of a busy host, against the others' 1024.", most=262_144)
    cpuset_cpus = forms.CharField(required=False, max_length=255, label="On these CPUs only", help_text="Such as 0-2,7")
    blkio_weight = _number("Weight of its disk access", "10 to 1000.", most=1000)
    restart = forms.ChoiceField(choices=_POLICIES, label="Restart")
    restart_retries = _number("At most so many times", "Where it restarts when it fails. Empty: no end.", most=1000)

    def clean_cpuset_cpus(self) -> str:
        text = str(self.cleaned_data["cpuset_cpus"]).replace(" ", "")
        if text and not _CPUSET.fullmatch(text):
            raise forms.ValidationError("Write numbers and ranges, such as 0-2,7.")
        return text

    def clean_blkio_weight(self) -> int:
        weight = self.cleaned_data["blkio_weight"] or 0
        if 0 < weight < 10:
            raise forms.ValidationError("The least weight is 10.")
        return int(weight)

    def changes(self, spec: ContainerSpec) -> dict[str, Any]:
        """Field of the spec -> value, of what is typed and is other than in `spec`.

        Only what the form showed otherwise counts: a limit of half a MiB is not rounded by looking at it.
        """
        found: dict[str, Any] = {}
        for name in self.changed_data:
            value = self.cleaned_data[name]
            field, unit = _UNITS.get(name, (name, 0))
            if unit:
                value = -1 if value == -1 else int((value or 0) * unit)
            if value != getattr(spec, field):
                found[field] = value
        for field, value in found.items():
            if not value and field not in REMOVABLE:
                shown = next((name for name, (target, _) in _UNITS.items() if target == field), field)
                self.add_error(shown, "An engine cannot take this limit away while the container exists: edit it.")
        return found

    def tell(self, field: str, sentence: str) -> None:
        """Say `sentence` at the field of the form that stands for the spec's `field`."""
        shown = next((name for name, (target, _) in _UNITS.items() if target == field), field)
        self.add_error(shown if shown in self.fields else None, sentence)

    @classmethod
    def was(cls, spec: ContainerSpec) -> str:
        """What is shown of the container as it is, for the form to bring along."""
        return json.dumps(cls.filled(spec))

    def since(self, was: str, spec: ContainerSpec) -> list[tuple[str, object, object]]:
        """Label, value then and now, of what somebody changed since `was` was shown; empty when that cannot be told."""
        try:
            then = json.loads(was)
        except (ValueError, RecursionError):
            return []
        if not isinstance(then, dict):
            return []
        now = self.filled(spec).items()
        return [(str(self.fields[name].label), then.get(name), each) for name, each in now if then.get(name) != each]

    @staticmethod
    def filled(spec: ContainerSpec) -> dict[str, Any]:
        """Initial values, from the container as it is."""
        found: dict[str, Any] = {"cpuset_cpus": spec.cpuset_cpus, "restart": spec.restart}
        for name, (field, unit) in _UNITS.items():
            value = getattr(spec, field)
            found[name] = None if not value else value if value == -1 or unit == 1 else f"{value / unit:g}"
        return found


class ConnectForm(forms.Form):
    """One more network. `networks` are those it can join: name and what is shown."""

    network = forms.ChoiceField()
    aliases = forms.CharField(
        required=False, max_length=1024, label="Further names there", help_text="With spaces between."
    )
    ipv4 = forms.CharField(required=False, max_length=15, label="IPv4 address", help_text="Empty: the engine's choice.")
    ipv6 = forms.CharField(required=False, max_length=45, label="IPv6 address")

    def __init__(self, *args: Any, networks: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["network"].choices = networks  # type: ignore[attr-defined]

    def clean_aliases(self) -> tuple[str, ...]:
        names = self.cleaned_data["aliases"].replace(",", " ").split()
        wrong = next((name for name in names if not _ALIAS.fullmatch(name)), "")
        if wrong:
            raise forms.ValidationError(f"{wrong[:60]}: a name holds letters, digits, dots and dashes.")
        return tuple(dict.fromkeys(names))

    def clean_ipv4(self) -> str:
        return _address(self.cleaned_data["ipv4"], 4)

    def clean_ipv6(self) -> str:
        return _address(self.cleaned_data["ipv6"], 6)

    def join(self) -> Join:
        """What was typed."""
        typed = self.cleaned_data
        return Join(typed["network"], typed["aliases"], typed["ipv4"], typed["ipv6"])


class CommitForm(forms.Form):
    """An image of the container as it is now."""

    reference = forms.CharField(
        max_length=512,
        label="Image",
        help_text="Such as team/app:fixed. Without a tag, latest. An image that has this name already loses it.",
        widget=forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
    )
    message = forms.CharField(required=False, max_length=500, help_text="Kept in the image's history.")
    author = forms.CharField(required=False, max_length=200)
    changes = forms.CharField(
        required=False,
        max_length=8192,
        help_text=f"Lines as in a Dockerfile: {_CHANGES}.",
        widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
    )
    pause = forms.BooleanField(
        required=False, initial=True, label="Pause it meanwhile", help_text="Else files may be caught half written."
    )
    form_token = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_reference(self) -> str:
        try:
            reference = parse_reference(self.cleaned_data["reference"])
        except IdInvalid as error:
            raise forms.ValidationError(str(error)) from error
        if reference.digest:
            raise forms.ValidationError("An image gets a name and tag; its digest comes of what is in it.")
        return str(reference) if reference.tag else f"{reference}:latest"

    def clean_changes(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["changes"].splitlines() if line.strip()]
        for line in lines:
            word, _, rest = line.partition(" ")
            if word.upper() not in _CHANGES.split() or not rest.strip() or _CONTROL.search(line):
                raise forms.ValidationError(f"{line[:60]}: write one of {_CHANGES}, with its value, in one line.")
        return lines

    def clean_form_token(self) -> uuid.UUID:
        return self.cleaned_data["form_token"] or uuid.uuid4()


def _address(text: str, version: int) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise forms.ValidationError(f"{text[:60]} is not an IP address.") from error
    if address.version != version:
        raise forms.ValidationError(f"{text[:60]} is not an address of IPv{version}.")
    return str(address)
