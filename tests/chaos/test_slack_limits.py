"""Slack's own rate limits, with many incidents at once: each has its one final message in the end.

A post a second and channel, fifty edits a minute: a card may come late, and never twice. What two
notifiers do with two hundred cards that are due at once is in `tests/notifier`.
"""

import pytest

from tests.chaos.struck import final, struck_stack
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
SETTINGS = {"NIGHTSHIFT_DEADLINE_SECONDS": "120", "NIGHTSHIFT_PROGRESS_SECONDS": "3"}
MOST_REFUSED = 2
"""Answers of 429, where a busy machine is late by a second; who does not wait gets dozens."""


def test_many_incidents_within_slacks_limits_have_one_final_message_each(
    lane: Lane, figures: Figures
) -> None:
    count = lane.pick(8, 40)
    with struck_stack(settings=SETTINGS, world=("--slack-limits",)) as struck:
        for number in range(count):
            struck.open(f"limited-{number:03d}")
        struck.wait_for_ends()
        struck.wait("every card", struck.all_told, seconds=lane.pick(60, 300))
        assert struck.unmet == []
        outcomes = {struck.ended(incident).outcome for incident in struck.cases}
        cards = struck.cards()
        asked = struck.desk.requests("slack")
    limited = sum(line["status"] == 429 for line in asked)
    size = f"Slack's own rate limits, {count} incidents at once"
    figures.add("R2", f"{size}: answers of 429", limited, 0)
    assert outcomes == {"diagnosed"}
    assert [[final(message) for message in said] for said in cards.values()] == [[True]] * count
    assert limited <= MOST_REFUSED
