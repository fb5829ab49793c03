"""A circuit breaker: a server that failed too often in a row is left alone for a while."""

from dataclasses import dataclass


@dataclass
class Breaker:
    """One server's failures in a row; times are seconds of any clock that only goes forward.

    Failures of the server itself count: it was away, did not answer, or answered nonsense. What a
    tool says went wrong is an answer.
    """

    after: int
    """Failures in a row that open it; 0: it never opens."""
    pause: float
    """Seconds for which it stays open before one call is let through to try."""
    failures: int = 0
    reason: str = ""
    _again_at: float = 0.0
    _trying: bool = False

    @property
    def is_open(self) -> bool:
        """Whether calls are turned away, but for one that tries."""
        return 0 < self.after <= self.failures

    def admits(self, now: float) -> bool:
        """Whether this call is made. While open: the first one after the pause, and no other."""
        if not self.is_open:
            return True
        if self._trying or now < self._again_at:
            return False
        self._trying = True
        return True

    def waits(self, now: float) -> float:
        """Seconds until a call may try."""
        return max(0.0, self._again_at - now)

    def succeeded(self) -> None:
        """The server answered: the row of failures ends, and it is closed."""
        self.failures, self.reason, self._trying = 0, "", False

    def failed(self, now: float, *, reason: str) -> None:
        """One more failure; at the limit, and after a call that tried, the pause begins."""
        self.failures += 1
        self.reason, self._trying = reason, False
        if self.is_open:
            self._again_at = now + self.pause

    def given_up(self) -> None:
        """A call ended without telling anything about the server: another one may try."""
        self._trying = False

    def came_back(self) -> None:
        """The server connected again: a call may try now, whatever is left of the pause."""
        self._again_at = 0.0
