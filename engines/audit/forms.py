"""The form that narrows the audit trail; a GET form, so that what is chosen is in the address."""

from typing import Any

from django import forms

from engines.audit.types import ACTS_BY_GROUP, UNFINISHED, Choice, group_words, words_of
from engines.models import AuditEntry, Engine

_MOST_WORDS = 8


def _acts() -> list[tuple[str, Any]]:
    groups = []
    for group, acts in ACTS_BY_GROUP.items():
        every = [(f"{group}.*", f"{group_words(group)}: all")] if len(acts) > 1 else []
        groups.append((group_words(group), [*every, *((act, words_of(act)) for act in acts)]))
    return [("", "Every act"), *sorted(groups)]


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        required=False,
        label=label,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        error_messages={"invalid": "Not a time: write it as 2026-01-31 14:05."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class ChoiceForm(forms.Form):
    """`choice` is what it asks for, once it is valid."""

    q = forms.CharField(required=False, max_length=200, label="Words", strip=True)
    person = forms.CharField(required=False, max_length=150, label="Person")
    act = forms.ChoiceField(required=False, choices=_acts, label="Act")
    engine = forms.ModelChoiceField(
        Engine.objects.order_by("name"), required=False, to_field_name="slug", empty_label="Every engine"
    )
    outcome = forms.ChoiceField(
        required=False,
        label="Outcome",
        choices=[("", "Every outcome"), *AuditEntry.Outcome.choices, (UNFINISHED, "unfinished")],
    )
    since = _moment("From (UTC)")
    until = _moment("Until (UTC)")

    def __init__(self, *args: Any, engine: Engine | None = None, **kwargs: Any) -> None:
        """`engine`: the only one whose acts are shown."""
        super().__init__(*args, **kwargs)
        self._only = engine
        if engine is not None:
            del self.fields["engine"]
        for name in {"act", "engine", "outcome"} & self.fields.keys():
            # They stand in a toolbar, where their first choice says what they are.
            self.fields[name].widget.attrs["aria-label"] = name.capitalize()

    def clean_q(self) -> str:
        text: str = self.cleaned_data["q"]
        if len(text.split()) > _MOST_WORDS:
            raise forms.ValidationError(f"At most {_MOST_WORDS} words.")
        return text

    @property
    def choice(self) -> Choice:
        asked = self.cleaned_data
        engine = self._only or asked.get("engine")
        return Choice(
            person=asked["person"],
            act=asked["act"],
            engine=engine and engine.pk,
            outcome=asked["outcome"],
            since=asked["since"],
            until=asked["until"],
            words=tuple(asked["q"].split()),
        )

    @property
    def narrows(self) -> bool:
        return any(self.cleaned_data.values())
