"""The switches of an engine's limits as a form."""

import itertools
import posixpath
import re
from typing import Any

from django import forms

from engines.models import Engine, EngineLimits
from engines.spec.limits import sensitive, within

_CAPABILITY = re.compile(r"[A-Z][A-Z_]{1,40}")
_MEBIBYTE = 1 << 20
_MOST_PATHS = 50


def _number(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(min_value=least, max_value=most, label=label, help_text=help_text)


def _tick(label: str, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, help_text=help_text)


class LimitsForm(forms.Form):
    """`version` is that of the limits shown: two people who edit are told of each other."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    host_paths = forms.CharField(
        required=False,
        label="Paths of the host that may be mounted",
        max_length=16384,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code"}),
        help_text="One a line. Just these, nothing below them by itself: a link there could lead anywhere.",
    )
    port_lowest = _number("Published ports from", 1, 65535)
    port_highest = _number("to", 1, 65535)
    publish_everywhere = _tick("On all addresses of the host", "Otherwise only on its own 127.0.0.1 and ::1.")
    memory_required = _tick("A memory limit is required")
    memory_most = _number("Largest memory limit, MiB", 0, 1 << 24, "0: as large as one likes.")
    pids_required = _tick("A process limit is required")
    pids_most = _number("Largest process limit", 0, 4_194_304, "0: as large as one likes.")
    new_privileges = _tick("New privileges", "Set-user-id programs such as sudo give more rights inside.")
    capabilities = forms.CharField(
        required=False,
        max_length=1024,
        help_text="Beyond the usual ones, such as NET_ADMIN, with spaces between.",
    )
    privileged = _tick("Privileged containers", "Whoever may create one is root of the host.")
    host_namespaces = _tick("The host's network, processes, memory and users", "Near to root of the host.")
    devices = _tick("Devices of the host", "A disk is the whole host.")
    logs_need_operator = _tick("Logs and processes are not for viewers", "They may show secrets.")
    record_terminals = _tick(
        "Terminals are recorded",
        "What they show is kept, never what is typed; managers can replay it. Its people are told.",
    )

    def clean_host_paths(self) -> list[str]:
        paths = [line.strip() for line in self.cleaned_data["host_paths"].splitlines() if line.strip()]
        for path in paths:
            if not path.startswith("/") or path.startswith("//") or posixpath.normpath(path) != path:
                raise forms.ValidationError(f"{path[:60]}: write a plain absolute path, without // or .. in it.")
            if sensitive(path):
                raise forms.ValidationError(f"{path[:60]} gives the whole host: it can never be mounted.")
        if len(paths) > _MOST_PATHS:
            raise forms.ValidationError(f"At most {_MOST_PATHS} paths.")
        for path, other in itertools.permutations(set(paths), 2):
            if within(path, other):
                raise forms.ValidationError(
                    f"{path[:60]} lies in {other[:60]}: what has that could replace it by a link."
                )
        return sorted(set(paths))

    def clean_capabilities(self) -> list[str]:
        text = self.cleaned_data["capabilities"].upper().replace(",", " ")
        names = sorted({name.removeprefix("CAP_") for name in text.split()})
        wrong = next((name for name in names if name == "ALL" or not _CAPABILITY.fullmatch(name)), "")
        if wrong:
            raise forms.ValidationError(f"{wrong[:60]}: name single capabilities.")
        return names

    def clean(self) -> dict[str, Any]:
        lowest, highest = self.cleaned_data.get("port_lowest"), self.cleaned_data.get("port_highest")
        if lowest and highest and lowest > highest:
            self.add_error("port_highest", "It is lower than the lowest one.")
        return self.cleaned_data

    def limits(self, engine: Engine) -> EngineLimits:
        """What is typed, not stored."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in {"memory_most", "version"}}
        return EngineLimits(engine=engine, memory_most_bytes=self.cleaned_data["memory_most"] * _MEBIBYTE, **values)

    @classmethod
    def of(cls, limits: EngineLimits) -> "LimitsForm":
        """The form filled with `limits`."""
        initial = {name: getattr(limits, name) for name in cls.base_fields if name != "memory_most"}
        return cls(
            initial=initial
            | {
                "host_paths": "\n".join(limits.host_paths),
                "capabilities": " ".join(limits.capabilities),
                "memory_most": limits.memory_most_bytes // _MEBIBYTE,
            }
        )
