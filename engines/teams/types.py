"""What the pages about teams and grants work with."""

from dataclasses import dataclass
from datetime import datetime

from engines.permissions import Role


@dataclass(frozen=True)
class Gift:
    """A role to be granted: to whom and on what as columns of Grant (`{"team_id": 3}`, `{"tag_id": 1}`)."""

    to: dict[str, int]
    on: dict[str, int]
    role: Role
    expires_at: datetime | None = None
