"""Slack's rate limits: a post a second and channel with a small burst, and the tiers of methods."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TIER_2, TIER_3, TIER_4 = 20, 50, 100
"""Calls a minute. Slack says "at least so many" and welcomes bursts; here it is never more."""
TIERS: Mapping[str, int] = {
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.info": TIER_3,
    "reactions.add": TIER_3,
    "files.getUploadURLExternal": TIER_4,
    "files.completeUploadExternal": TIER_4,
}
WINDOW_SECONDS = 60.0


@dataclass
class Limits:
    """Counts calls; with no figures nothing is refused for its rate.

    Posts fill a bucket of `burst` a channel that empties by `posts_per_second`; a method of `tiers`
    may be called so often in any minute, or in any window of another length. 0 and a method that is
    not there mean no limit.
    """

    posts_per_second: float = 0.0
    burst: int = 4
    tiers: Mapping[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    window_seconds: float = WINDOW_SECONDS
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    @classmethod
    def real(cls, clock: Callable[[], float] = time.monotonic) -> "Limits":
        """Those that Slack publishes."""
        return cls(posts_per_second=1.0, tiers=TIERS, clock=clock)

    def seconds_to_wait(self, method: str, channel: str) -> int:
        """0 when the call may go, which counts it; else the whole seconds for Retry-After."""
        if method == "chat.postMessage":
            return self._posting(channel)
        most = self.tiers.get(method, 0)
        return self._calling(method, most) if most else 0

    def _posting(self, channel: str) -> int:
        if self.posts_per_second <= 0:
            return 0
        now = self.clock()
        left, since = self._left.get(channel, (float(self.burst), now))
        left = min(float(self.burst), left + (now - since) * self.posts_per_second)
        if left < 1:
            self._left[channel] = (left, now)
            return max(1, math.ceil((1 - left) / self.posts_per_second))
        self._left[channel] = (left - 1, now)
        return 0

    def _calling(self, method: str, most: int) -> int:
        now, calls = self.clock(), self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - self.window_seconds:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + self.window_seconds - now))
        calls.append(now)
        return 0
