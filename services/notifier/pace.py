"""How fast Slack may be called, and who goes first: figures and an order, nothing else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Urgency = Literal["final", "placeholder", "details", "progress"]
"""What a call of Slack is for; the ones named first go first, over all replicas."""
ORDER: tuple[Urgency, ...] = get_args(Urgency)

PROGRESS_PATIENCE_SECONDS = 10.0
"""Progress whose turn comes later than this is dropped: a newer one will come."""
LONGEST_WAIT_SECONDS = 15.0
"""Whoever waits asks again after so long at the latest, and so keeps its place."""
LATE_SECONDS = 5.0
"""How much later than it was told a waiter may ask again before its place is somebody else's."""


@dataclass(frozen=True)
class Rate:
    """A bucket: so many calls a minute after so many at once, and never more than their sum."""

    per_minute: float
    burst: int
    per_channel: bool = False
    """Slack counts this method for each channel, not for the whole workspace."""

    def times(self, factor: float) -> "Rate":
        """The same for whoever may call so many times as often."""
        burst = max(1, math.floor(self.burst * factor))
        return Rate(self.per_minute * factor, burst, self.per_channel)


TIER_2, TIER_3, TIER_4 = Rate(18, 2), Rate(47, 3), Rate(95, 5)
"""Slack promises 20, 50 and 100 calls a minute: what a full bucket and a minute give together."""
RATES: Mapping[str, Rate] = {
    "chat.postMessage": Rate(58, 2, per_channel=True),
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "auth.test": TIER_4,
}


def rate_of(method: str, rates: Mapping[str, Rate] = RATES) -> Rate:
    """How often the method may be called; one that is not known is called seldom."""
    return rates.get(method, TIER_2)


def rank(urgency: Urgency) -> int:
    """The place of that urgency: 0 goes first."""
    return ORDER.index(urgency)


def patience(urgency: Urgency) -> float:
    """The longest wait that a place in the line is kept for; everything but progress is written."""
    return PROGRESS_PATIENCE_SECONDS if urgency == "progress" else math.inf


def left_over(urgency: Urgency) -> int:
    """How many calls that urgency leaves in the bucket, so that a card or placeholder goes at once.

    A bucket of one call has none to leave.
    """
    return 1 if urgency in ("details", "progress") else 0
