"""The check of moments: right ones pass, and each that a wrong clock could have written is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bus.record import Record
from tests.bus.incidents import a_record
from tests.chaos.evidence import Evidence
from tests.chaos.sound import BEGAN, FINAL, INC, asking, at, card, model, saying, sound
from tests.chaos.timestamps import wrong_timestamps

OPENED = datetime.fromtimestamp(BEGAN, UTC)
ENDED = OPENED + timedelta(seconds=7.9)
RECORD = a_record(
    opened_at=OPENED, deadline_at=OPENED + timedelta(seconds=60), state="ended", ended_at=ENDED
)
SKEW = timedelta(seconds=300)


def seen(lasted: float | None = 7.9) -> Evidence:
    """Sound evidence whose final card shows that duration."""
    message = card((8.9, "diagnosed", FINAL))
    (version,) = message.versions
    return saying(replace(message, versions=(replace(version, lasted=lasted),)))(sound())


def moved(name: str, skew: timedelta) -> Record:
    """The record with one of its moments by another clock."""
    moment: datetime = getattr(RECORD, name)
    return RECORD.changed(**{name: moment + skew})


WRONG = {
    "opened": (seen(), moved("opened_at", SKEW), "opened +300.000 s beside"),
    "opened before": (seen(), moved("opened_at", -SKEW), "opened -300.000 s beside"),
    "deadline": (seen(), moved("deadline_at", SKEW), "has a deadline of 360.000 s"),
    "ended": (seen(), moved("ended_at", SKEW), "ended +299.900 s beside"),
    "ended before it began": (seen(), moved("ended_at", -SKEW), "lasted -292.100 s"),
    "no end": (seen(), RECORD.changed(ended_at=None), "nothing says when"),
    "another duration on the card": (seen(0.0), RECORD, "the card says 0.0"),
    "no duration on the card": (seen(None), RECORD, "the card says None"),
    "order": (at("TurnDue", -1)(seen()), RECORD, "TurnDue is 1.000 s before IncidentOpened"),
    "result": (
        at("ToolCallFinished", 3.5)(seen()),
        RECORD,
        "the result of 1-1 is before its request",
    ),
    "asked": (asking(model(-1, 1))(seen()), RECORD, "asked 1.000 s before the incident"),
}


def test_moments_by_one_clock_are_right() -> None:
    assert wrong_timestamps(seen(), {INC: RECORD}, 60) == []


@pytest.mark.parametrize("kind", WRONG)
def test_a_moment_by_another_clock_is_told(kind: str) -> None:
    evidence, record, told = WRONG[kind]
    found = wrong_timestamps(evidence, {INC: record}, 60)
    assert any(told in what for what in found), found
