"""What is typed about files: bad input is told where it was typed."""

from django import forms

from engines.files import paths

#: Bytes of the largest file that is edited in a form.
EDIT_BYTES = 256 << 10
#: As many as one request may name.
MOST_DELETED = 480


class NameForm(forms.Form):
    """The name of a new folder."""

    name = forms.CharField(strip=False, max_length=255, widget=forms.TextInput(attrs={"autofocus": True}))

    def clean_name(self) -> str:
        try:
            return paths.require_name(self.cleaned_data["name"])
        except paths.PathInvalid as error:
            raise forms.ValidationError(str(error)) from error


class MoveForm(forms.Form):
    """Where something is to be: a name in the same folder, or a path."""

    to = forms.CharField(
        label="New name",
        strip=False,
        max_length=4096,
        widget=forms.TextInput(attrs={"autofocus": True, "spellcheck": "false"}),
        help_text="A name, or a whole path such as /srv/old to move it there.",
    )

    def clean_to(self) -> str:
        to: str = self.cleaned_data["to"]
        try:
            return paths.require_path(to) if to.startswith("/") else paths.require_name(to)
        except paths.PathInvalid as error:
            raise forms.ValidationError(str(error)) from error


class EditForm(forms.Form):
    """What a file is to hold. `seen` says what was read when the form was made."""

    content = forms.CharField(
        required=False,
        strip=False,
        # In characters; bytes are counted below.
        max_length=EDIT_BYTES,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "code", "wrap": "off"}),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_content(self) -> str:
        # As every browser sends it.
        content: str = self.cleaned_data["content"].replace("\r\n", "\n")
        if len(content.encode()) > EDIT_BYTES:
            raise forms.ValidationError(f"It is larger than {EDIT_BYTES >> 10} KiB: upload it instead.")
        return content
