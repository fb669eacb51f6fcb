"""The settings under test: the product's own, on data of their own, with everything of Redis inside the process."""

import os
import tempfile

# Before the settings read it: no test touches the data of a real console.
os.environ["PILOTHOUSE_DATA"] = tempfile.mkdtemp(prefix="pilothouse-test-")
os.environ["REDIS_URL"] = "memory://"

from console.settings import *  # noqa: F403
from console.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

# A file: workers and sockets have connections of their own, which an in-memory database would lock out.
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"].setdefault("TEST", {})["NAME"] = DATA_DIR / "test.sqlite3"
# Straight from the sources, under their plain names: nothing has to be gathered first.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Empty, since the middleware that serves it warns when it is missing.
STATIC_ROOT.mkdir(exist_ok=True)
