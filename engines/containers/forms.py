"""The first form to create a container: what anybody needs, and nothing that reaches the host."""

import ipaddress
import re
import shlex
from typing import Any

from django import forms

from engines.client.ids import IdInvalid, require_image, require_name

_PORT = re.compile(
    r"(?:(?P<ip>[0-9]+(?:\.[0-9]+)+|\[[0-9a-fA-F:]+\]):)?(?:(?P<public>\d{1,5}):)?(?P<private>\d{1,5})(?:/(?P<protocol>tcp|udp|sctp))?"
)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}")
_MEBIBYTE = 1 << 20
#: A container that writes without end must not fill its host's disk.
_LOG = {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}
_POLICIES = [
    ("no", "Never"),
    ("on-failure", "When it fails, up to 5 times"),
    ("unless-stopped", "Always, unless stopped"),
]


def _lines(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "class": "code"})


class CreateForm(forms.Form):
    """Its `config` is the body of POST /containers/create (Engine API: Container/ContainerCreate)."""

    image = forms.CharField(max_length=512, help_text="An image of this engine: its name and tag, or its id.")
    name = forms.CharField(required=False, max_length=255, help_text="Empty: the engine makes one up.")
    command = forms.CharField(
        required=False, max_length=8192, help_text="Empty: the image's own. Quoted as in a shell, run without one."
    )
    env = forms.CharField(required=False, label="Environment", widget=_lines(3), help_text="NAME=value, one per line.")
    ports = forms.CharField(
        required=False,
        widget=_lines(2),
        help_text="One a line. 8080:80 is reached from the engine's own host only, 0.0.0.0:8080:80 from everywhere.",
    )
    restart = forms.ChoiceField(choices=_POLICIES, initial="no", label="Restart", required=False)
    memory = forms.IntegerField(
        min_value=6, max_value=1 << 20, initial=512, label="Memory limit, MiB", help_text="It is killed above this."
    )
    pids = forms.IntegerField(min_value=1, max_value=32_768, initial=512, label="Process limit")
    start = forms.BooleanField(required=False, initial=True, label="Start it now")

    def clean_image(self) -> str:
        return _checked(require_image, self.cleaned_data["image"])

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if len(name) == 1:
            raise forms.ValidationError("A name has at least two characters.")
        return _checked(require_name, name) if name else ""

    def clean_command(self) -> list[str]:
        try:
            return shlex.split(self.cleaned_data["command"])
        except ValueError as error:
            raise forms.ValidationError("A quotation mark is not closed.") from error

    def clean_env(self) -> list[str]:
        lines = []
        for number, line in enumerate(self.cleaned_data["env"].splitlines(), start=1):
            name, separator, value = line.partition("=")
            if not line.strip():
                continue
            if not separator or not _ENV_NAME.fullmatch(name.strip()):
                raise forms.ValidationError(f"Line {number}: write NAME=value.")
            lines.append(f"{name.strip()}={value}")
        return lines

    def clean_ports(self) -> dict[str, list[dict[str, str]]]:
        bindings: dict[str, list[dict[str, str]]] = {}
        for text in self.cleaned_data["ports"].replace(",", " ").split():
            match = _PORT.fullmatch(text)
            if match is None or not all(
                1 <= int(match[part]) <= 65535 for part in ("private", "public") if match[part]
            ):
                raise forms.ValidationError(f"{text[:60]}: write 8080:80, 127.0.0.1:8080:80 or 8080:80/udp.")
            binding = {"HostIp": _address(match["ip"]), "HostPort": match["public"] or ""}
            bindings.setdefault(f"{match['private']}/{match['protocol'] or 'tcp'}", []).append(binding)
        return bindings

    def clean_restart(self) -> str:
        return self.cleaned_data["restart"] or "no"

    def config(self, user: str) -> dict[str, Any]:
        """The request body. Every key is ours: nothing typed becomes a key. `user` is noted on the container."""
        fields = self.cleaned_data
        memory = fields["memory"] * _MEBIBYTE
        config: dict[str, Any] = {
            "Image": fields["image"],
            "Env": fields["env"],
            "Labels": {"console.user": user},
            "ExposedPorts": {port: {} for port in fields["ports"]},
            "HostConfig": {
                "PortBindings": fields["ports"],
                "RestartPolicy": _policy(fields["restart"]),
                "Memory": memory,
                "PidsLimit": fields["pids"],
                "SecurityOpt": ["no-new-privileges"],
                "LogConfig": _LOG,
            },
        }
        return config | ({"Cmd": fields["command"]} if fields["command"] else {})


def _policy(name: str) -> dict[str, Any]:
    return {"Name": name, "MaximumRetryCount": 5} if name == "on-failure" else {"Name": name}


def _address(text: str | None) -> str:
    if text is None:
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError as error:
        raise forms.ValidationError(f"{text[:60]} is not an IP address.") from error


def _checked(require: Any, text: str) -> str:
    try:
        return str(require(text))
    except IdInvalid as error:
        raise forms.ValidationError(str(error)) from error
