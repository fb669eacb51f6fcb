"""Fields whose text stands for typed values of a ContainerSpec: each reads what is typed, and writes it back.

A value that is written and read again is the same, which is what makes an existing container editable.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django import forms

Value = TypeVar("Value")
Item = TypeVar("Item")

#: Of one field; an environment may hold certificates.
_MOST = 1 << 17


class Typed(forms.Field, Generic[Value]):
    """Text read by `read`, which raises ValueError with a sentence; empty text is `unset`. With `rows`, several lines.

    `flag` is the option of `docker run`, shown beside the label.
    """

    def __init__(
        self,
        read: Callable[[str], Value],
        write: Callable[[Value], str],
        unset: Value,
        label: str = "",
        help_text: str = "",
        *,
        flag: str = "",
        rows: int = 0,
        initial: Value | None = None,
    ) -> None:
        attributes = {"spellcheck": "false", "autocomplete": "off", "autocapitalize": "off", "class": "code"}
        widget = forms.Textarea(attrs={**attributes, "rows": rows}) if rows else forms.TextInput(attrs=attributes)
        super().__init__(required=False, label=label or None, help_text=help_text, widget=widget, initial=initial)
        self.read, self.write, self.unset, self.flag = read, write, unset, flag

    def to_python(self, value: Any) -> Value:
        # A browser sends both of line ends whatever there was.
        text = str(value or "").replace("\r\n", "\n")
        if not text.strip():
            return self.unset
        if len(text) > _MOST:
            raise forms.ValidationError(f"This is longer than {_MOST} characters.")
        if "\x00" in text:
            raise forms.ValidationError("There is a NUL in it, which no engine takes.")
        try:
            return self.read(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> str:
        """As shown; what was typed stays as it was."""
        if isinstance(value, str):
            return value
        return "" if value is None or value == self.unset else self.write(value)


class Number(forms.IntegerField):
    """A whole number; an empty field is `unset`."""

    def __init__(self, label: str, help_text: str = "", *, flag: str, unset: int | None = 0, **more: Any) -> None:
        super().__init__(required=False, label=label, help_text=help_text, **more)
        self.unset, self.flag = unset, flag

    def to_python(self, value: Any) -> int | None:
        found = super().to_python(value)
        return self.unset if found is None else found

    def prepare_value(self, value: Any) -> Any:
        return "" if value == self.unset else value


class Tick(forms.BooleanField):
    """Yes or no."""

    def __init__(self, label: str, help_text: str = "", *, flag: str = "", initial: bool = False) -> None:
        super().__init__(required=False, label=label, help_text=help_text, initial=initial)
        self.flag = flag


class Choice(forms.ChoiceField):
    """One of few; the first where none is sent."""

    def __init__(self, choices: list[tuple[str, str]], label: str, help_text: str = "", *, flag: str = "") -> None:
        super().__init__(choices=choices, required=False, label=label, help_text=help_text, initial=choices[0][0])
        self.flag, self.unset, self.labels = flag, choices[0][0], dict(choices)

    def clean(self, value: Any) -> str:
        return super().clean(value) or self.unset


def plain(
    label: str = "", help_text: str = "", *, flag: str = "", read: Callable[[str], str] | None = None
) -> Typed[str]:
    """One line of text, checked by `read`."""
    return Typed((lambda text: read(text.strip())) if read else _line, str, "", label, help_text, flag=flag)


def lines(
    read: Callable[[str], Item],
    write: Callable[[Item], str],
    label: str = "",
    help_text: str = "",
    *,
    flag: str = "",
    ordered: bool = True,
    rows: int = 2,
) -> Typed[tuple[Item, ...]]:
    """One item a line. Unless `ordered` they are a set: sorted, each once."""

    def items(text: str) -> tuple[Item, ...]:
        found = [read(line.strip()) for line in text.split("\n") if line.strip()]
        return tuple(found) if ordered else tuple(sorted(set(found)))  # type: ignore[type-var]

    return Typed(
        items, lambda found: "\n".join(write(each) for each in found), (), label, help_text, flag=flag, rows=rows
    )


def words(
    read: Callable[[str], Item],
    write: Callable[[Item], str],
    label: str = "",
    help_text: str = "",
    *,
    flag: str = "",
    ordered: bool = True,
) -> Typed[tuple[Item, ...]]:
    """Items with spaces or commas between, on one line. Unless `ordered` they are a set: sorted, each once."""

    def items(text: str) -> tuple[Item, ...]:
        found = [read(word) for word in text.replace(",", " ").split()]
        return tuple(found) if ordered else tuple(sorted(set(found)))  # type: ignore[type-var]

    return Typed(items, lambda found: " ".join(write(each) for each in found), (), label, help_text, flag=flag)


def _line(text: str) -> str:
    found = text.strip()
    if "\n" in found or "\r" in found:
        raise ValueError("This is one line.")
    return found
