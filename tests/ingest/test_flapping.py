"""A problem that recovers and fires again: looked at once more, and then it flaps."""

from functools import partial

import pytest

from bus.events import InvestigationId, NoticeRequested, RecoveryPolicy
from bus.record import Commit, Record, end
from bus.streams import NOTICES
from bus.testing import events
from services.ingest.trigger import Decision
from tests.conftest import MakeBus
from tests.ingest.shift import Shift


async def recovers(shift: Shift, incident_id: str) -> None:
    """It went back to OK, and its investigation has ended for that."""
    await shift.begin()
    await shift.recovered("cart")
    if shift.recovery == "stop":
        return
    inv, now = InvestigationId(incident_id), await shift.bus.investigations.now()
    await shift.bus.investigations.apply(inv, concludes)
    await shift.bus.investigations.apply(inv, partial(end, outcome="inconclusive", at=now))


def concludes(record: Record) -> Commit:
    """As the reasoner does when it is told of the recovery."""
    return Commit(record=record.changed(concluding="recovered"))


async def flaps(shift: Shift, times: int) -> list[Decision]:
    """It fired and recovered so often."""
    found = []
    for _ in range(times):
        found.append(await shift.raised("cart"))
        if found[-1].outcome == "opened":
            await recovers(shift, found[-1].incident_id)
    return found


@pytest.mark.parametrize("policy", ["stop", "finish small"])
async def test_what_its_recovery_ended_opens_again_once_and_then_a_person_is_told_once(
    policy: RecoveryPolicy, make_bus: MakeBus
) -> None:
    """Under `stop` each firing opened one more; under `finish small` none did, though it stayed."""
    shift = Shift(make_bus("ingest"), recovery=policy)

    found = await flaps(shift, 6)

    (told,) = await events(shift.bus, NOTICES)
    assert [each.outcome for each in found] == ["opened"] * 2 + ["repeated"] * 4
    assert isinstance(told, NoticeRequested)
    assert "cart (cart-service) flaps" in told.text

    await shift.pass_time(shift.limits.repeat_seconds - 60)
    assert (await flaps(shift, 1))[0].outcome == "repeated", "each firing puts the end off"
    await shift.pass_time(shift.limits.repeat_seconds + 1)
    assert [each.outcome for each in await flaps(shift, 2)] == ["opened", "opened"]
