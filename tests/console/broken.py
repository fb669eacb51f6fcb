"""The settings of a console that has one page more: it fails, with a secret at hand."""

from console.settings import *  # noqa: F403

ROOT_URLCONF = "tests.console.broken_urls"
