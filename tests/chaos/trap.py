"""A trap at a crash point: the process that gets there is struck, from outside."""

import signal
import threading
import time
from dataclasses import dataclass, field

from tests.chaos.fleet import Fleet
from tests.chaos.points import Case, kind_of
from tests.chaos.proxy.passage import Cut, Delay, Gate, Hold, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import RENEWAL
from tests.chaos.replica import Replica

SLOW_RENEWAL_SECONDS = 0.3


@dataclass
class Trap:
    """The proxy's hook for one case. `hit` is set once a process was struck.

    SIGKILL: `before`, the request is never forwarded; `between`, it was carried out and the reply
    is never delivered; `after`, the reply lies in the process's socket. SIGSTOP: `before`, the
    request waits in the proxy; `between`, the reply does; `after`, the process was stopped just
    before the reply was delivered. What waits goes on once `gate` is opened. From then on the
    woken process learns late that its leases are over: its renewals are slow, as they may be.
    """

    case: Case
    fleet: Fleet
    hit: threading.Event = field(default_factory=threading.Event)
    gate: Gate = field(default_factory=Gate)
    struck_at: float = 0.0
    victim: Replica | None = None
    _target: Passage | None = None
    _seen: int = 0

    def __call__(self, passage: Passage, phase: Phase) -> Verdict | None:
        """Strike, where this is the point."""
        if passage.operation == RENEWAL:
            mine = self.victim is not None and passage.replica == self.victim.name
            return Delay(SLOW_RENEWAL_SECONDS) if mine and phase == "before" else None
        if self.hit.is_set() or kind_of(passage) != self.case.point.kind:
            return None
        if phase == "before":
            self._seen += 1
            if self._seen == self.case.point.occurrence:
                self._target = passage
        if passage is not self._target or phase != self._strikes_at:
            return None
        return self._strike(passage)

    @property
    def is_near(self) -> bool:
        """Whether the point was reached, and the side of it on which to strike was not yet."""
        return self._target is not None and not self.hit.is_set()

    @property
    def _strikes_at(self) -> Phase:
        stopped_after = (self.case.phase, self.case.way) == ("after", "SIGSTOP")
        return "between" if stopped_after else self.case.phase

    def _strike(self, passage: Passage) -> Verdict | None:
        replicas = self.fleet.stack.replicas
        victim = next(one for one in replicas if one.name == passage.replica)
        self.victim, self.struck_at = victim, time.time()
        if self.case.way == "SIGKILL":
            victim.expected_to_end = True
            victim.process.send(signal.SIGKILL)
        else:
            victim.freeze()
        self.hit.set()
        passage.fate = f"struck {self.case.phase} by {self.case.way}"
        if self.case.way == "SIGKILL":
            return Cut()
        return None if self.case.phase == "after" else Hold(self.gate)
