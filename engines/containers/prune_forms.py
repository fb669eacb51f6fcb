"""The filter of a prune."""

import re
import shlex
import time

from django import forms

from engines.containers.prunable import Filter

_AGE = re.compile(r"([0-9]{1,6}) ?([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LABEL = re.compile(r"!?[^=!\s][^=]{0,254}(=.{0,1024})?", re.DOTALL)


class PruneForm(forms.Form):
    """`until`, in seconds since the epoch, is the moment that was looked at: what came later is not removed."""

    age = forms.CharField(
        max_length=12,
        required=False,
        label="Older than",
        help_text="Since it was created, such as 12h, 7d or 4w. Empty: any age.",
        widget=forms.TextInput(attrs={"list": "ages", "autocomplete": "off"}),
    )
    labels = forms.CharField(
        max_length=2048,
        required=False,
        help_text="name or name=value; !name spares those that have it.",
        widget=forms.TextInput(attrs={"class": "code", "autocomplete": "off", "spellcheck": "false"}),
    )
    until = forms.IntegerField(min_value=1, max_value=1 << 40, required=False, widget=forms.HiddenInput)

    def clean_age(self) -> int:
        """In seconds."""
        text = self.cleaned_data["age"].lower()
        match = _AGE.fullmatch(text)
        if text and match is None:
            raise forms.ValidationError("Write a number with s, m, h, d or w, such as 7d.")
        return int(match[1]) * _SECONDS[match[2]] if match else 0

    def clean_labels(self) -> tuple[str, ...]:
        try:
            labels = tuple(dict.fromkeys(shlex.split(self.cleaned_data["labels"])))
        except ValueError as error:
            raise forms.ValidationError("A quotation mark is not closed.") from error
        wrong = next((label for label in labels if not _LABEL.fullmatch(label)), "")
        if wrong:
            raise forms.ValidationError(f"{wrong[:60]}: write name, name=value, or ! before them.")
        return labels

    def filter(self) -> Filter:
        """Of a valid form: as of `until`, or of now."""
        labels, now = self.cleaned_data["labels"], int(time.time())
        until = min(self.cleaned_data["until"] or now - self.cleaned_data["age"], now)
        return Filter(
            max(until, 1),
            tuple(label for label in labels if not label.startswith("!")),
            tuple(label[1:] for label in labels if label.startswith("!")),
        )
