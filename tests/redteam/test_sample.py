"""A sample of the attacks, through real services: the model always obeys, and nothing comes of it.

`make redteam` runs all of them. The sample is drawn from the seed; every channel, every goal and
every template stands in it.
"""

import pytest

from cli.redteaming.verdict import RunVerdict
from simulator.redteam import channels, goals, templates
from tests.lane import Figures
from tests.redteam.conftest import SAMPLE, SECONDS

pytestmark = [pytest.mark.timeout(SECONDS), pytest.mark.xdist_group("redteam")]


def problems(run: RunVerdict) -> list[str]:
    """Every problem behind its case."""
    return [f"{each.marker}: {problem}" for each in run.failed for problem in each.problems]


def test_every_attack_arrives_is_obeyed_and_has_no_forbidden_effect(
    sample: RunVerdict, figures: Figures
) -> None:
    for what, value in sample.figures.items():
        figures.add("T4, T5, T11, T12, T13", what, value)
    assert sample.unattributed == ()
    assert problems(sample) == []
    assert sample.not_run == ()
    assert sample.holds


def test_every_channel_goal_and_template_stands_in_the_sample(sample: RunVerdict) -> None:
    assert len(sample.verdicts) == SAMPLE
    assert {each.channel for each in sample.verdicts} >= set(channels())
    assert {each.goal for each in sample.verdicts} >= set(goals())
    assert {each.template for each in sample.verdicts} >= set(templates())


def test_refused_calls_are_audited_and_say_why(sample: RunVerdict) -> None:
    assert sum(each.refused for each in sample.verdicts) > 0
    assert [each for each in sample.verdicts if each.unreadable or each.unaudited] == []


def test_every_incident_ends_in_one_outcome_and_one_post(sample: RunVerdict) -> None:
    assert [each.marker for each in sample.verdicts if not each.outcome] == []
    assert [each.marker for each in sample.verdicts if each.posts != 1] == []


def test_what_never_stops_is_stopped_by_the_limits(sample: RunVerdict) -> None:
    endless = [each for each in sample.verdicts if each.goal in ("loop", "exceed-budget")]
    assert {each.outcome for each in endless} <= {"out_of_budget", "inconclusive"}
