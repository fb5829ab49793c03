"""Every error of Nightshift answers one question: what happens to the entry that caused it?

    NightshiftError
    ├── Rejected              give up: the entry is wrong and stays wrong -> dead letter
    ├── Retryable             the entry's own error: tried again, at most three times
    │   └── Unavailable       the outside is down or slow: handed back, counted against nothing
    ├── ToolFailed            tell the model: becomes a tool result with is_error
    └── InvestigationEnded    stop: nothing more is done for this investigation

A service adds subclasses in its own concept modules, never a sixth question.
"""


class NightshiftError(Exception):
    """The base of every error that Nightshift raises on purpose."""


class Rejected(NightshiftError):
    """The entry can never be handled; its text tells a person what is wrong with it."""


class Retryable(NightshiftError):
    """Handling failed because of the entry itself, and may work at another try."""


class Unavailable(Retryable):
    """Something outside is down or slow; the entry waits and no cap counts it."""

    def __init__(self, message: str, *, retry_in_seconds: float = 2.0) -> None:
        super().__init__(message)
        self.retry_in_seconds = retry_in_seconds


class ToolFailed(NightshiftError):
    """A tool gave no answer; its text is written for the model."""


class InvestigationEnded(NightshiftError):
    """The investigation has its outcome; whoever still works for it stops."""


class NotConfigured(NightshiftError):
    """A process cannot start or go on; the text is one sentence that says what to do."""
