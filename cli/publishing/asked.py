"""What is to be told, and the problems that it comes to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from bus.events import Severity
from cli.publishing.target import Target

if TYPE_CHECKING:
    from simulator.senders import Problem

EACH = 50
"""Alerts in one notification of Alertmanager, and lines in one batch of Logs."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """So many times the same, in turn of so many kinds."""

    service: str
    summary: str
    severity: Severity = "error"
    count: int = 1
    kinds: int = 1
    recovered: bool = False
    namespace: str = ""


def problems(asked: Asked, target: Target) -> Iterator["Problem"]:
    """Each of them, at the moment it is asked for."""
    for number in range(asked.count):
        yield _problem(asked, target, kind=number % asked.kinds)


def grouped(asked: Asked, target: Target) -> Iterator[list["Problem"]]:
    """The same in the groups in which batching senders send them: one kind, at most `EACH`."""
    for kind in range(asked.kinds):
        left = iter(range(kind, asked.count, asked.kinds))
        while group := [_problem(asked, target, kind=kind) for _ in islice(left, EACH)]:
            yield group


def _problem(asked: Asked, target: Target, *, kind: int) -> "Problem":
    from simulator.senders import Problem

    topic = target.variables.get("NIGHTSHIFT_SNS_TOPICS", "").partition(",")[0]
    parts = topic.strip().split(":")
    at_home = {"region": parts[3], "account": parts[4]} if len(parts) > 4 else {}
    return Problem(
        service=asked.service,
        summary=asked.summary,
        severity=asked.severity,
        at=datetime.now(UTC),
        kind=kind + 1 if asked.kinds > 1 else 0,
        recovered=asked.recovered,
        namespace=asked.namespace,
        **at_home,
    )
