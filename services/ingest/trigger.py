"""What a trigger means, whichever door it came through, and what was decided about it. Pure.

Doors (the queue, HTTP, Slack) only read: each makes of what it got one of `Raised`, `Recovered` and
`Ignored`. What then happens is decided in one place for all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bus.events import Alarm, Severity, TriggerKind


@dataclass(frozen=True)
class Raised:
    """Something is wrong. All texts are cleaned; what the source did not say is empty."""

    alarm: Alarm
    kind: TriggerKind = "cloudwatch"
    source: str = ""
    """Who sends, for the limit of each source: an account and region, a Slack user, a receiver."""
    service: str = ""
    """The service where the door knows it; else it is read from the alarm."""
    severity: Severity | None = None
    """How bad it is where the source says so in a field; else the alarm's words tell."""
    is_only_said: bool = False
    """Critical by words of a text alone, which a stranger may have written: it passes no limit."""
    note: str = ""
    """Free text by a person: untrusted, selects nothing."""
    attachments: Mapping[str, str] = field(default_factory=dict)
    """Texts that came with it, by name (`[a-z0-9-]`); stored as results `trigger:<name>`."""


@dataclass(frozen=True)
class Recovered:
    """The alarm is over."""

    alarm: Alarm
    kind: TriggerKind = "cloudwatch"
    service: str = ""


@dataclass(frozen=True)
class Ignored:
    """Well formed, and nothing to investigate; `reason` is for the log."""

    reason: str


Found = Raised | Recovered | Ignored


@dataclass(frozen=True)
class Unreadable:
    """A part of a body that should say something and cannot be read; the other parts can."""

    reason: str


Outcome = Literal[
    "opened",
    "joined",
    "repeated",
    "duplicate",
    "held",
    "folded",
    "recovered",
    "stopped",
    "judged",
    "ignored",
    "rejected",
]
"""`repeated`: the same problem, whose investigation has ended; `duplicate`: the same message."""


@dataclass(frozen=True)
class Decision:
    """What became of one trigger (or of what a person pressed), and why."""

    outcome: Outcome
    reason: str
    incident_id: str = ""
    """The incident that it is linked to; empty where there is none (yet)."""
    durable: bool = True
    """Whether what was written is on disk already; else it is two seconds later."""


def refusals(decisions: Iterable[Decision]) -> list[str]:
    """Why something of it was refused, each reason once; its sender is told."""
    reasons = (each.reason for each in decisions if each.outcome == "rejected")
    return list(dict.fromkeys(reasons))
