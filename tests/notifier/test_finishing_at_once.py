"""Two hundred incidents finish at once in one channel: Slack's limits hold and no card is lost.

The full lane is real time; the sample has fewer incidents and a Slack that counts in seconds.
"""

import pytest

from bus.testing import eventually
from services.notifier.pace import RATES, Rate
from simulator.slack.limits import Limits
from tests.conftest import MakeBus, Start
from tests.lane import Figures, Lane
from tests.notifier.conftest import MakeReplica
from tests.notifier.crowd import DETAILS, Crowd, at_work, crowded
from tests.notifier.slack_desk import Desk

FULL = Crowd(
    finishing=200,
    running=10,
    late=30,
    late_every_seconds=20.0,
    lease_seconds=30.0,
    limits=Limits.real(),
)
SAMPLE = Crowd(
    finishing=10,
    running=8,
    late=2,
    late_every_seconds=0.3,
    lease_seconds=10.0,
    limits=Limits(posts_per_second=10, tiers={"chat.update": 13}, window_seconds=1.0),
    rates={
        **RATES,
        "chat.update": Rate(600, 2),
        "chat.postMessage": Rate(600, 2, per_channel=True),
    },
)
MOST_PROGRESS = 1
"""What was in line before the first final card was."""
CARDS_SECONDS, DETAILS_SECONDS, PLACED_SECONDS = 300, 900, 2.0


@pytest.mark.timeout(1100)
async def test_many_incidents_that_finish_at_once_keep_slacks_limits_and_lose_no_card(
    desk: Desk,
    make_replica: MakeReplica,
    make_bus: MakeBus,
    start: Start,
    *,
    lane: Lane,
    figures: Figures,
) -> None:
    crowd = lane.pick(SAMPLE, FULL)
    seen = await crowded(desk, crowd, make_bus=make_bus, first=make_replica())
    async with at_work(seen, start):
        await eventually(seen.all_final, seconds=lane.pick(9, CARDS_SECONDS + 60))
        await eventually(seen.all_told, seconds=lane.pick(9, DETAILS_SECONDS))
    count = crowd.finishing
    size = f"{count} incidents finish at once, two notifiers"
    placed = seen.placed_late
    soon = sum(seconds <= PLACED_SECONDS for seconds in placed)
    wanted = count * DETAILS
    figures.add("R2", f"{size}: answers of 429", seen.refused, 0)
    figures.add("R2", f"{size}: final cards, the last after s", max(seen.finals), CARDS_SECONDS)
    figures.add("R2", f"{size}: final cards", len(seen.finals), count)
    figures.add("R2", f"{size}: thread posts, the last after s", max(seen.details), DETAILS_SECONDS)
    figures.add("R2", f"{size}: thread posts", len(seen.details), wanted)
    figures.add("R2", f"{size}: progress edits before the last final card", seen.progress_meanwhile)
    figures.add(
        "R2", f"{size}: {crowd.late} opened meanwhile, the slowest placed after s", max(placed)
    )
    figures.add("R2", f"{size}: opened meanwhile and placed within 2 s", soon, crowd.late)
    # A sample's second is a minute of Slack: a busy machine may well be late by a part of it.
    assert seen.refused <= lane.pick(1, 0)
    assert [seen.count(str(record.investigation_id)) for record in seen.records] == [1] * len(
        seen.records
    )
    assert len(seen.details) == wanted
    assert seen.progress_meanwhile <= MOST_PROGRESS
    if lane.full:
        assert max(seen.finals) <= CARDS_SECONDS
        assert max(seen.details) <= DETAILS_SECONDS
        assert soon >= 0.9 * crowd.late  # other work on this machine may stop a process for seconds
