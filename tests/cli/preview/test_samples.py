"""Every card there is has a sample, and Slack takes it."""

from typing import get_args

import pytest

from bus.events import Outcome
from cli.preview.messages import message_of, refusals
from cli.preview.samples import SAMPLES

every_sample = pytest.mark.parametrize("name", SAMPLES)


def test_there_is_a_sample_of_each_outcome_of_health_and_of_work_under_way() -> None:
    assert set(SAMPLES) == {*get_args(Outcome), "healthy", "live"}


@every_sample
def test_a_sample_ended_as_its_name_says(name: str) -> None:
    record = SAMPLES[name].record
    found = record.diagnosis
    assert record.outcome == {"live": None, "healthy": "diagnosed"}.get(name, name)
    assert (found is not None and found.verdict == "healthy") == (name == "healthy")


@every_sample
def test_slack_takes_the_card_of_a_sample(name: str) -> None:
    assert refusals(message_of(SAMPLES[name])) == []


@every_sample
def test_every_quote_of_a_sample_names_a_call_that_it_made(name: str) -> None:
    record = SAMPLES[name].record
    tools = {call.tool_call_id: call.tool for call in record.calls}
    quotes = record.diagnosis.evidence if record.diagnosis else ()
    assert [q.tool_call_id for q in quotes if tools.get(q.tool_call_id) != q.tool] == []
