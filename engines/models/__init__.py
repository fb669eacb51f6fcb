"""The console's own tables. None per Docker resource: those live in the engines."""

from engines.models.engine import Engine
from engines.models.team import Grant, Team

__all__ = ["Engine", "Grant", "Team"]
