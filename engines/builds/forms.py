"""The build form: what is typed or uploaded becomes typed fields, or an error where it was typed."""

import re
import uuid
from typing import Any, BinaryIO, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from engines.builds.types import BUILDERS
from engines.client.context import DOCKERFILE_BYTES
from engines.client.ids import IdInvalid, parse_reference

_MOST_TAGS = 20
_MOST_ARGS = 100
_ARG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_BUILDER_LABELS = {
    "auto": "BuildKit where the engine has it",
    "buildkit": "BuildKit",
    "classic": "Classic builder",
}


class BuildForm(forms.Form):
    """A Dockerfile as text, or an uploaded context that holds one."""

    dockerfile = forms.CharField(
        required=False,
        strip=False,
        max_length=DOCKERFILE_BYTES,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "class": "code"}),
        help_text="For builds that need no other files.",
    )
    context = forms.FileField(
        required=False, help_text="A tar, tar.gz or zip of a folder with its Dockerfile; its .dockerignore is obeyed."
    )
    dockerfile_path = forms.CharField(
        required=False, max_length=1024, initial="Dockerfile", help_text="Where the Dockerfile is in the context."
    )
    tags = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "code"}),
        help_text="Names for the image, one per line, such as shop/web:1.4.",
    )
    build_args = forms.CharField(
        required=False,
        label="Build arguments",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code"}),
        help_text="NAME=value, one per line. No secrets: values are kept with the build and in the image's history.",
    )
    target = forms.CharField(required=False, max_length=128, help_text="The stage to build; empty for the last one.")
    no_cache = forms.BooleanField(required=False, label="Build every step anew", help_text="Ignores the build cache.")
    pull = forms.BooleanField(
        required=False, label="Look for newer base images", help_text="Asks the registry even when a copy is here."
    )
    builder = forms.ChoiceField(
        required=False, initial="auto", choices=[(name, _BUILDER_LABELS[name]) for name in BUILDERS]
    )
    form_token = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_dockerfile_path(self) -> str:
        path = str(self.cleaned_data["dockerfile_path"] or "Dockerfile").removeprefix("./")
        if path.startswith("/") or ".." in path.split("/") or not path.isprintable():
            raise forms.ValidationError("Give a path inside the context, such as docker/Dockerfile.")
        return path

    def clean_tags(self) -> list[str]:
        tags = self.cleaned_data["tags"].replace(",", "\n").split()
        if len(tags) > _MOST_TAGS:
            raise forms.ValidationError(f"At most {_MOST_TAGS} tags.")
        for tag in tags:
            try:
                reference = parse_reference(tag)
            except IdInvalid as error:
                raise forms.ValidationError(f"{tag[:100]}: {error}") from error
            if reference.digest:
                raise forms.ValidationError(f"{tag[:100]}: a name for a new image cannot hold a digest.")
        return list(dict.fromkeys(tag if parse_reference(tag).tag else f"{tag}:latest" for tag in tags))

    def clean_build_args(self) -> dict[str, str]:
        arguments: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["build_args"].splitlines(), start=1):
            if not line.strip():
                continue
            name, separator, value = line.partition("=")
            if not separator or not _ARG_NAME.fullmatch(name.strip()):
                raise forms.ValidationError(f"Line {number}: write NAME=value.")
            arguments[name.strip()] = value
        if len(arguments) > _MOST_ARGS:
            raise forms.ValidationError(f"At most {_MOST_ARGS} build arguments.")
        return arguments

    def clean_target(self) -> str:
        target = str(self.cleaned_data["target"])
        if target and not _STAGE.fullmatch(target):
            raise forms.ValidationError("A stage's name holds letters, digits, dot, dash and underscore.")
        return target

    def clean_builder(self) -> str:
        return self.cleaned_data["builder"] or "auto"

    def clean_form_token(self) -> uuid.UUID:
        return self.cleaned_data["form_token"] or uuid.uuid4()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text, context = cleaned.get("dockerfile", "").strip(), cleaned.get("context")
        if self.errors:
            return cleaned
        if text and context:
            self.add_error("dockerfile", "Give either the text or a context: the context's own Dockerfile is used.")
        if not text and not context:
            self.add_error("dockerfile", "Write a Dockerfile here, or upload a context below.")
        return cleaned

    @property
    def upload(self) -> BinaryIO | None:
        """The uploaded context, if there is one."""
        uploaded: UploadedFile | None = self.cleaned_data.get("context")
        return None if uploaded is None else cast(BinaryIO, uploaded.file)
