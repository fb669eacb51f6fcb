"""An entry as one line of JSON: what is exported and shipped. All that the hash covers, so that it can be checked."""

import json

from engines.models import AuditEntry
from engines.trail import chain


def line(entry: AuditEntry) -> str:
    """ASCII without control characters, so that no value can begin another line."""
    return json.dumps({**chain.content(entry), "hash": entry.hash}, separators=(",", ":"))
