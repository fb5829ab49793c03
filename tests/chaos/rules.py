"""What may be demanded of a run, and what is said where it does not hold."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: which, how, and for which incident (empty: for the whole run)."""

    promise: str
    kind: str
    incident: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What may be demanded of a run."""

    deadline_seconds: float
    grace_seconds: float = 10.0
    """After the deadline, until everything stands."""
    late_work_seconds: float = 2.0
    """After the outcome, for work that was in flight."""
    still_seconds: float = float("inf")
    """How long an incident may show no sign of work; the sweep would hide that a turn was lost."""
    on_its_way_seconds: float = 0.0
    """After a thaw, for what its sender could not hold back any more; see `causes.is_excused`."""
    outcomes: frozenset[str] = frozenset({"diagnosed"})
    """How an incident may end. A fault costs time and no work: a run that takes more says why."""
    audited: frozenset[str] = frozenset({"executed", "repeated"})
    """What may become of a tool call that has a result; one that is answered by an error fails."""
    dead_letters: frozenset[str] = frozenset()
    """Streams whose entries were meant to be set aside."""
    details: frozenset[str] = frozenset({"timeline"})
    """What the thread of each incident holds at least, once; a diagnosis has its evidence too."""
    is_over: bool = True
    """Whether everything had time to end; else nothing is missed that may still come."""
