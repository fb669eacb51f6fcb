"""How values travel to the shared cache: as JSON, so that who can write to Redis cannot run code here."""

import json
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"


class JsonSerializer:
    """What Django's Redis cache asks of a serializer."""

    def dumps(self, value: Value) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Value:
        value: Value = json.loads(data)
        return value
