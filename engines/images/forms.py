"""The form to pull an image."""

import uuid

from django import forms

from engines.client.ids import IdInvalid, parse_reference


class PullForm(forms.Form):
    """An image reference; `latest` is added where it names neither tag nor digest, as the docker CLI does."""

    reference = forms.CharField(
        max_length=512,
        label="Image",
        help_text="Such as alpine:3.20 or registry.example/team/app@sha256:… Without a tag, latest is pulled.",
        widget=forms.TextInput(attrs={"class": "code", "spellcheck": "false", "autofocus": True}),
    )
    form_token = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_reference(self) -> str:
        try:
            reference = parse_reference(self.cleaned_data["reference"])
        except IdInvalid as error:
            raise forms.ValidationError(str(error)) from error
        return str(reference) if reference.tag or reference.digest else f"{reference}:latest"

    def clean_form_token(self) -> uuid.UUID:
        return self.cleaned_data["form_token"] or uuid.uuid4()
