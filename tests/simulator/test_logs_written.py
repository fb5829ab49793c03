"""The logs of a scenario: exact length, same seed same lines, placed text where it was placed."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from simulator.logs import write_log
from simulator.scenario import LogSetup, Placed, ScenarioError
from tests.simulator.small_scenario import LOG, TRACE

NOW = datetime(2026, 2, 13, 10, 5, tzinfo=UTC)


def test_log_has_exactly_its_lines_and_the_placed_text_in_its_place() -> None:
    lines = write_log(LOG, NOW)
    assert len(lines) == 200
    assert lines[149:151] == TRACE.splitlines()


def test_same_seed_writes_the_same_lines_at_any_time_and_another_seed_does_not() -> None:
    assert write_log(LOG, NOW) == write_log(LOG, NOW + timedelta(days=1))
    assert write_log(LOG, NOW) != write_log(LOG.model_copy(update={"seed": 8}), NOW)


def test_placing_a_text_moves_no_other_line() -> None:
    bare = write_log(LOG.model_copy(update={"placed": ()}), NOW)
    placed = write_log(LOG, NOW)
    assert bare[:149] == placed[:149]
    assert bare[151:] == placed[151:]


def test_fields_are_drawn_in_their_form_and_differ_from_line_to_line() -> None:
    setup = LogSetup(lines=50, background=("{hex16} {hex32} {uuid} {product} {int} {else}",))
    form = re.compile(
        r"[0-9a-f]{16} [0-9a-f]{32} [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} "
        r"[0-9A-Z]{10} \d+ \{else\}"
    )
    lines = write_log(setup, NOW)
    assert all(form.fullmatch(line) for line in lines)
    assert len(set(lines)) == 50


def test_stamps_run_over_the_span_up_to_now() -> None:
    setup = LogSetup(lines=3, stamped=True, span=timedelta(minutes=3), background=("up",))
    assert write_log(setup, NOW) == [
        "2026-02-13T10:03:00.000000000Z up",
        "2026-02-13T10:04:00.000000000Z up",
        "2026-02-13T10:05:00.000000000Z up",
    ]


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (LogSetup(lines=2, placed=(Placed(at=2, text="a\nb"),)), "reaches line 3 of 2"),
        (LogSetup(lines=2, placed=(Placed(at=2, text="a"),)), "1 lines have no background"),
    ],
)
def test_log_that_cannot_be_written_says_why(setup: LogSetup, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        write_log(setup, NOW)


def test_placed_text_that_repeats_stands_every_so_many_lines_with_fresh_fields() -> None:
    again = Placed(at=2, text="failed {uuid}\n  at {hex16}", times=3, every=5)
    lines = write_log(LogSetup(lines=14, background=("fine",), placed=(again,)), NOW)
    failed = [number for number, line in enumerate(lines, 1) if line.startswith("failed ")]
    assert failed == [2, 7, 12]
    assert len({lines[number - 1] for number in failed}) == 3
    assert all(re.fullmatch(r"  at [0-9a-f]{16}", lines[number]) for number in failed)


def test_times_in_a_line_say_when_it_was_written() -> None:
    setup = LogSetup(lines=2, span=timedelta(minutes=2), background=("{clock} at {time}",))
    assert write_log(setup, NOW) == [
        "10:04:00.000 at 2026-02-13T10:04:00.000000000Z",
        "10:05:00.000 at 2026-02-13T10:05:00.000000000Z",
    ]
