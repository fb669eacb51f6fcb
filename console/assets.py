"""Front-end files: which files of npm packages are served, and the import map that names the modules.

VENDOR is also the inventory of what the browser gets from others: 0BSD (htmx), OFL-1.1 (Inter), MIT (xterm and its
addons, uPlot).
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from django.templatetags.static import static
from servestatic.storage import CompressedManifestStaticFilesStorage

#: Public name -> file below node_modules.
VENDOR = {
    "vendor/htmx.js": "htmx.org/dist/htmx.esm.min.js",
    "vendor/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/xterm.js": "@xterm/xterm/lib/xterm.mjs",
    "vendor/xterm.css": "@xterm/xterm/css/xterm.css",
    "vendor/xterm-fit.js": "@xterm/addon-fit/lib/addon-fit.mjs",
    "vendor/xterm-search.js": "@xterm/addon-search/lib/addon-search.mjs",
    "vendor/xterm-web-links.js": "@xterm/addon-web-links/lib/addon-web-links.mjs",
    "vendor/uplot.js": "uplot/dist/uPlot.esm.js",
    "vendor/uplot.css": "uplot/dist/uPlot.min.css",
}
#: Bare module name -> public name.
_MODULES = {
    "htmx": "vendor/htmx.js",
    "xterm": "vendor/xterm.js",
    "xterm-fit": "vendor/xterm-fit.js",
    "xterm-search": "vendor/xterm-search.js",
    "xterm-web-links": "vendor/xterm-web-links.js",
    "uplot": "vendor/uplot.js",
}


class _VendorStorage(FileSystemStorage):
    prefix = None

    def path(self, name: str) -> str:
        return str(_installed(name))


class VendorFinder(BaseFinder):
    """Finds exactly the files of VENDOR: whole packages hold much that must not be served."""

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        found = [str(_installed(path))] if path in VENDOR and _installed(path).exists() else []
        return found if find_all else (found[0] if found else [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        storage = _VendorStorage()
        for name in VENDOR:
            yield name, storage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names. Only style sheets are rewritten: modules find each other through the import map."""

    patterns = tuple(pattern for pattern in CompressedManifestStaticFilesStorage.patterns if pattern[0] == "*.css")


@lru_cache(maxsize=1)
def import_map() -> str:
    """The text of the page's import map. Our modules are mapped by URL: relative imports then find hashed names."""
    own = {f"{settings.STATIC_URL}{name}": static(name) for name in _own_modules()}
    vendors = {module: static(name) for module, name in _MODULES.items()}
    return json.dumps({"imports": {**vendors, **own}}, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=1)
def import_map_source() -> str:
    """The source expression with which a Content-Security-Policy allows the inline import map, and nothing else."""
    digest = hashlib.sha256(import_map().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _own_modules() -> list[str]:
    root = settings.BASE_DIR / "static"
    return sorted(str(path.relative_to(root)) for path in (root / "js").glob("*.js"))


def _installed(name: str) -> Path:
    return Path(settings.BASE_DIR) / "node_modules" / VENDOR[name]
