"""Reads for the form of a container: what images an engine has, and a container as somebody would type it."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from engines import reach
from engines.client.connect import call
from engines.client.errors import EngineReplied
from engines.client.fields import table, tables, text, texts
from engines.client.ids import require_image
from engines.models import Engine
from engines.spec import asking
from engines.spec.defaults import subtracted
from engines.spec.inspected import from_inspect
from engines.spec.types import ContainerSpec

#: More suggestions help nobody.
_MOST = 30


def has_image(engine: Engine, image: str) -> bool:
    """Whether the engine has it. Raises EngineError, and IdInvalid for what cannot be an image."""
    return _image(engine, image) is not None


def as_typed(
    engine: Engine,
    inspect: Mapping[str, Any],
    hide: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda found: found,
) -> ContainerSpec:
    """The container of `inspect` without what its image gives and the engine fills in. Raises EngineError.

    `hide` is what the inspect itself went through; an image that is gone gives nothing.
    """
    spec, image = from_inspect(inspect), text(inspect.get("Image"))
    given = _image(engine, image) if image else None
    return subtracted(spec, hide(given or {}), asking.default_runtime(reach.client(engine), spec))


def _image(engine: Engine, image: str) -> Mapping[str, Any] | None:
    path = quote(require_image(image), safe="/:@")
    try:
        return table(call(reach.client(engine), "GET", f"/images/{path}/json"))
    except EngineReplied as refusal:
        if refusal.status == 404:
            return None
        raise


def image_tags(engine: Engine, typed: str) -> list[str]:
    """Names with tags that hold what was typed, those that begin so first. Raises EngineError."""
    found = tables(call(reach.client(engine), "GET", "/images/json"))
    tags = {tag for image in found for tag in texts(image.get("RepoTags")) if tag != "<none>:<none>"}
    words = typed.strip().lower()
    fitting = (tag for tag in tags if words in tag.lower())
    return sorted(fitting, key=lambda tag: (not tag.lower().startswith(words), tag))[:_MOST]
