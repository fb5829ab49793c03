"""Slack's limit on posting: about one message a second and channel, with a small burst."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class PostLimit:
    """A bucket of `burst` posts a channel that fills up by `posts_per_second`; 0 means no limit."""

    posts_per_second: float = 0.0
    burst: int = 4
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def seconds_to_wait(self, channel: str) -> int:
        """0 when the post may go, which counts it; else the whole seconds for Retry-After."""
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
