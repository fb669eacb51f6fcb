"""What can go wrong between the console and an engine, each as one sentence for a person."""


class EngineError(Exception):
    """The engine could not be used; the message is one sentence without secrets."""


class EngineUnreachable(EngineError):
    """Nobody listens there, or the way there is closed."""


class EngineTimeout(EngineError):
    """Something accepted the connection and did not answer in time."""


class NotAnEngine(EngineError):
    """Something answered, but not as a Docker Engine does."""


class EngineIncompatible(EngineError):
    """The engine's API range and ours do not meet."""


class EngineReplied(EngineError):
    """The engine answered with an error. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"The engine answered {status}: {message[:500]}")
        self.status = status
