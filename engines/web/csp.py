"""The Content-Security-Policy of every answer: nothing inline but the import map, nothing from elsewhere."""

from console.assets import import_map_source

_POLICY = (
    "default-src 'none'; script-src 'self' {import_map}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    # Markup is made from text in static/js/trusted.js alone.
    "require-trusted-types-for 'script'; trusted-types pilothouse pilothouse-matcher"
)


def policy() -> str:
    """The header's value."""
    return _POLICY.format(import_map=import_map_source())
