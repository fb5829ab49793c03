"""Incidents that arrive over time, whatever else a test is doing meanwhile."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.chaos.campaign import Campaign


@dataclass
class Arrivals:
    """`total` incidents, one after the other after a drawn gap, from a thread of their own."""

    at: Campaign
    draw: random.Random
    total: int
    gap_seconds: float
    """On average; each gap is drawn between none and twice that."""
    alarm_every: int = 0
    """Every so many comes as an alarm through the queue; 0: none."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._arrive, daemon=True)
        self._thread.start()

    @property
    def begun(self) -> int:
        """How many have arrived."""
        return len(self.at.published) + len(self.at.sent)

    @property
    def over(self) -> bool:
        """Whether nothing arrives any more; fails where that was not the end."""
        if self._thread.is_alive():
            return False
        assert self.begun >= self.total or self._stopped.is_set(), "the arrivals broke off"
        return True

    def stop(self) -> None:
        """Nothing arrives any more."""
        self._stopped.set()
        self._thread.join()

    def _arrive(self) -> None:
        for number in range(1, self.total + 1):
            if self._stopped.wait(self.draw.uniform(0, 2 * self.gap_seconds)):
                return
            if self.alarm_every and number % self.alarm_every == 0:
                self.at.send_alarm()
            else:
                self.at.publish(1)


@contextmanager
def arriving(
    at: Campaign, draw: random.Random, *, total: int, gap_seconds: float, alarm_every: int
) -> Iterator[Arrivals]:
    """Incidents arrive inside the block."""
    arrivals = Arrivals(at, draw, total, gap_seconds, alarm_every)
    try:
        yield arrivals
    finally:
        arrivals.stop()
