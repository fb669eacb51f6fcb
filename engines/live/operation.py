"""`/ws/operations/<uuid>/?after=<cursor>`: an operation's log from a cursor on, its progress, and its end.

Frames: {"type":"chunk","after","next","text"} · {"type":"progress","progress"} · {"type":"status","status","sentence"}
· {"type":"finished","status","sentence"}. The same URL with the last `next` resumes without gap or repetition.
"""

import uuid
from urllib.parse import parse_qs

from django.contrib.auth.models import User

from engines import access
from engines.live import hub
from engines.live.gate import BROKEN, ENDED, GatedConsumer, Refused
from engines.models import Operation
from engines.operations import gate
from engines.operations.queries import Snapshot
from engines.permissions import Permission

_MOST = 1 << 40


class OperationConsumer(GatedConsumer):
    """Follows one operation for one browser."""

    permission = Permission.OPERATION_VIEW

    def rights(self, user: User) -> frozenset[object]:
        operation = Operation.objects.filter(pk=self._operation_id()).select_related("engine").only("engine").first()
        if operation is None:
            return frozenset()
        if operation.engine is None:
            # Of a removed engine: for administrators.
            return frozenset({self.permission} if access.can(user, Permission.CONSOLE_ENGINES) else ())
        return access.held(user, operation.engine)

    def deny(self, user: User) -> None:
        gate.resolve(user, self._operation_id(), self.permission)

    async def serve(self) -> int:
        """Send what is there and what comes, until the operation is over and all of its log is sent."""
        cursor = self._after()
        reader = hub.join(self._operation_id(), cursor)
        shown: Snapshot | None = None
        try:
            while True:
                changed, latest = reader.changed, reader.snapshot
                # Read before the frames: what is over then has no frame after those that follow.
                while (frame := await reader.frame_after(cursor)) is not None:
                    cursor, text = frame
                    await self.send_text(text)
                if latest is not None and latest is not shown:
                    await self._send_changes(shown, latest)
                    shown = latest
                if latest is not None and latest.is_over:
                    await self.send_frame({"type": "finished", "status": latest.status, "sentence": latest.sentence})
                    return ENDED
                if reader.broken:
                    raise Refused(BROKEN)
                await changed.wait()
        finally:
            hub.leave(reader)

    async def _send_changes(self, shown: Snapshot | None, latest: Snapshot) -> None:
        if shown is None or shown.progress != latest.progress:
            await self.send_frame({"type": "progress", "progress": latest.progress})
        if shown is None or shown.status != latest.status:
            await self.send_frame({"type": "status", "status": latest.status, "sentence": latest.sentence})

    def _operation_id(self) -> uuid.UUID:
        operation_id: uuid.UUID = self.scope["url_route"]["kwargs"]["pk"]
        return operation_id

    def _after(self) -> int:
        text = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        return int(text) if text.isascii() and text.isdigit() and int(text) < _MOST else 0
