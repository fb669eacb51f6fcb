"""The console's own tables. None per Docker resource: those live in the engines."""

from engines.models.account import AccessPolicy, ApiToken, PasswordLink, TotpStep
from engines.models.audit import AppendOnly, AuditEntry, AuditHead, AuditSink, AuditUnfinished
from engines.models.container import ListChoice, Recording
from engines.models.engine import Engine, Tag
from engines.models.limits import EngineLimits
from engines.models.operation import LogChunk, Operation
from engines.models.setup import SetupToken
from engines.models.state import EngineState, Heartbeat
from engines.models.team import Grant, Team

__all__ = [
    "AccessPolicy",
    "ApiToken",
    "AppendOnly",
    "AuditEntry",
    "AuditHead",
    "AuditSink",
    "AuditUnfinished",
    "Engine",
    "EngineLimits",
    "EngineState",
    "Grant",
    "Heartbeat",
    "ListChoice",
    "LogChunk",
    "Operation",
    "PasswordLink",
    "Recording",
    "SetupToken",
    "Tag",
    "Team",
    "TotpStep",
]
