"""One incident for many alarms that may not be investigated one by one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bus.events import IncidentId, IncidentOpened, Severity, TriggerKind

SEVERITIES: tuple[Severity, ...] = ("critical", "error", "warning", "info")
NAMED_KINDS = 12
"""Kinds that the sentence names; the attachment lists all."""
MORE = "more kind"
LISTED_BYTES = 128 * 1024
SERVICE_CHARACTERS = 200
SUMMARY_CHARACTERS = 2000


@dataclass(frozen=True)
class Kind:
    """One problem that was folded: what its first alarm said, and how many came."""

    alarm: str
    service: str
    severity: Severity
    trigger: TriggerKind
    said: str
    reason: str
    """Why it was not investigated by itself."""
    at: datetime
    number: int
    recovered_at: str = ""


@dataclass(frozen=True)
class Gathered:
    """All that a summary holds; beyond the kinds that are listed only numbers are known."""

    kinds: tuple[Kind, ...]
    kinds_in_all: int
    alarms: int
    by_severity: Mapping[str, int]

    @property
    def severity(self) -> Severity:
        """The highest of all."""
        return next((grade for grade in SEVERITIES if self.by_severity.get(grade)), "error")


def summary_of(incident_id: IncidentId, gathered: Gathered) -> IncidentOpened:
    """The incident: a sentence that names the worst kinds, and the whole list beside it."""
    kinds = sorted(gathered.kinds, key=_rank)
    named = [f"{kind.alarm} ({kind.service}, {kind.number}x)" for kind in kinds[:NAMED_KINDS]]
    more = gathered.kinds_in_all - len(named)
    said = (
        f"{_counted(gathered)} that {'was' if gathered.alarms == 1 else 'were'} not investigated "
        f"one by one: {'; '.join(named)}"
        f"{f'; and {_many(more, MORE)}' if more > 0 else ''}"
    )
    return IncidentOpened(
        service=_service(kinds),
        summary=said[:SUMMARY_CHARACTERS],
        incident_id=incident_id,
        severity=gathered.severity,
        trigger=kinds[0].trigger if kinds else "manual",
        attachments={"held": _listed(kinds, gathered)},
    )


def _rank(kind: Kind) -> tuple[bool, int, int, datetime, str, str]:
    """What is over comes last. Of the same moment by name: Redis tells them in any order."""
    grade, is_over = SEVERITIES.index(kind.severity), bool(kind.recovered_at)
    return (is_over, grade, -kind.number, kind.at, kind.alarm, kind.service)


def _service(kinds: Sequence[Kind]) -> str:
    names = list(dict.fromkeys(kind.service for kind in kinds))
    if len(names) <= 1:
        return names[0] if names else "several services"
    return f"{len(names)} services: {', '.join(names)}"[:SERVICE_CHARACTERS]


def _listed(kinds: Sequence[Kind], gathered: Gathered) -> str:
    """A line for each kind, the worst first, those over last, as far as there is room; the rest."""
    numbers = [f"{gathered.by_severity[name]} {name}" for name in _given(gathered.by_severity)]
    lines = [f"{_counted(gathered)}: {', '.join(numbers)}"]
    room = LISTED_BYTES - len(lines[0].encode())
    for kind in kinds:
        line = _line(kind)
        room -= len(line.encode()) + 1
        if room < 0:
            break
        lines.append(line)
    left = gathered.kinds_in_all - (len(lines) - 1)
    return "\n".join([*lines, f"and {_many(left, MORE)}"] if left > 0 else lines)


def _counted(gathered: Gathered) -> str:
    return f"{_many(gathered.alarms, 'alarm')} of {_many(gathered.kinds_in_all, 'kind')}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _given(by_severity: Mapping[str, int]) -> list[str]:
    return [name for name in SEVERITIES if by_severity.get(name)]


def _line(kind: Kind) -> str:
    first = kind.at.astimezone(UTC).isoformat(timespec="seconds")
    recovered = f"; recovered at {kind.recovered_at}" if kind.recovered_at else ""
    said = " ".join(kind.said.split())
    about = f"{kind.severity} {kind.service} {kind.alarm}: {said}"
    return f"{about} ({_many(kind.number, 'alarm')}, first at {first}; {kind.reason}{recovered})"
