"""Models that do not stop by themselves, in the real services: one outcome and one post each.

How much they may cost is shown by `tests/reasoner/test_limits_hold.py`.
"""

import pytest

from simulator.model.unruly import KINDS, Kind, note_for
from tests.lane import Lane
from tests.loop.desk import Desk

SAMPLE: tuple[Kind, ...] = ("looping", "ignoring", "silent")


@pytest.mark.timeout(300)
def test_an_unruly_model_ends_with_one_outcome_and_one_post(desk: Desk, lane: Lane) -> None:
    kinds = lane.pick(SAMPLE, KINDS * 3)
    ran = [
        desk.publish(service="cartservice", summary=f"HTTP 500, {kind}", note=note_for(kind))
        for kind in kinds
    ]
    for incident in ran:
        desk.wait_for_end(incident, 120)
    records = [desk.record(incident) for incident in ran]
    assert {record.outcome for record in records if record} <= {"inconclusive", "out_of_budget"}
    assert [len(desk.messages(incident)) for incident in ran] == [1] * len(ran)
    reached = [entry["data"] for entry in desk.entries("diagnoses")]
    assert [sum(incident in str(data) for data in reached) for incident in ran] == [1] * len(ran)
