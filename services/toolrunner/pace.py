"""How fast a server is asked, or read: so many a second, after a burst of as many at once."""

import math
from dataclasses import dataclass


@dataclass
class Pace:
    """A token bucket of one server; times are seconds of any clock that only goes forward.

    It tells a wait before it begins, so that a call whose turn would come too late says so at once.
    """

    per_second: float
    """0: as fast as the calls come."""
    burst: int = 0
    """How many go at once before that; 0: as many as in a second."""
    _full_at: float = -math.inf

    def turn(self, now: float, *, within: float) -> float | None:
        """Seconds until this call's turn, which is then taken; None: later than `within`."""
        if not self.per_second:
            return 0.0
        apart = 1 / self.per_second
        burst = self.burst or max(1, math.floor(self.per_second))
        full_at = max(self._full_at, now)
        wait = max(0.0, full_at - (burst - 1) * apart - now)
        if wait > within:
            return None
        self._full_at = full_at + apart
        return wait
