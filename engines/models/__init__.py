"""The console's own tables. None per Docker resource: those live in the engines."""

from engines.models.engine import Engine
from engines.models.operation import LogChunk, Operation
from engines.models.setup import SetupToken
from engines.models.state import EngineState, Heartbeat
from engines.models.team import Grant, Team

__all__ = ["Engine", "EngineState", "Grant", "Heartbeat", "LogChunk", "Operation", "SetupToken", "Team"]
