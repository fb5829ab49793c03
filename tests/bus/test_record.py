"""The decisions about a record that several services take."""

import json
from datetime import timedelta

import pytest

from bus.events import DiagnosisReached, StopRequested, TurnDue
from bus.record import conclude, end_from_outside, fields_of, record_from
from bus.versions import OtherRelease
from services.notifier.due import decide_when_due
from tests.bus.incidents import OPENED_AT, a_record, waiting_for


def test_record_survives_the_way_through_its_fields() -> None:
    record = waiting_for("1-1", "1-2")
    assert record_from(fields_of(record)) == record


def test_fields_of_a_newer_version_are_left_out() -> None:
    record = a_record()
    assert record_from(fields_of(record) | {"colour": "red"}) == record


def test_what_a_newer_version_adds_inside_a_field_is_left_out() -> None:
    record = waiting_for("1-1")
    fields = fields_of(record)
    (call,) = json.loads(fields["calls"])
    later = fields | {"calls": json.dumps([call | {"colour": {"red": 1}}])}
    later["spend"] = json.dumps(json.loads(fields["spend"]) | {"thinking_tokens": 7})
    later["schema_version"] = "1.9"
    assert record_from(later) == record.changed(schema_version="1.9")


def test_record_without_a_schema_version_is_of_the_first() -> None:
    fields = fields_of(a_record())
    del fields["schema_version"]
    assert record_from(fields) == a_record(schema_version="1.0")


@pytest.mark.parametrize("version", ["2.0", "0.9", "11.0"])
def test_record_of_another_major_version_is_for_another_release(version: str) -> None:
    fields = fields_of(a_record()) | {"schema_version": version, "state": "resting"}
    with pytest.raises(OtherRelease, match=f"schema {version}"):
        record_from(fields)


def test_record_with_a_malformed_version_is_broken() -> None:
    with pytest.raises(ValueError, match="no schema version"):
        record_from(fields_of(a_record()) | {"schema_version": "two"})


def test_conclude_point_lies_a_fifth_before_the_deadline() -> None:
    assert a_record().conclude_at == OPENED_AT + timedelta(seconds=240)


def test_due_turn_keeps_its_one_entry_when_it_becomes_the_conclude_turn() -> None:
    commit = conclude(a_record(), "deadline")
    assert commit is not None
    assert commit.record.concluding == "deadline"
    assert commit.record.turn == 1
    assert commit.events == ()


def test_concluding_closes_open_calls_and_makes_the_next_turn_due() -> None:
    commit = conclude(waiting_for("1-1", "1-2"), "deadline")
    assert commit is not None
    assert commit.record.open_calls == ()
    assert {call.sentence for call in commit.record.calls} == {"not available before the deadline"}
    assert [type(event) for event in commit.events] == [TurnDue]
    assert commit.record.turn == 2


def test_concluding_turn_has_nothing_left_to_conclude() -> None:
    assert conclude(a_record(concluding="dollars"), "deadline") is None


def test_waiting_for_tools_is_closed_though_it_concludes_already() -> None:
    commit = conclude(waiting_for("1-1").changed(concluding="dollars"), "deadline")
    assert commit is not None
    assert commit.record.concluding == "dollars"
    assert commit.record.state == "turn_due"


def test_end_from_outside_sends_diagnosis_and_stop_once() -> None:
    commit = end_from_outside(waiting_for("1-1"), "cancelled", at=OPENED_AT, reason="stopped")
    assert commit is not None
    assert [type(event) for event in commit.events] == [DiagnosisReached, StopRequested]
    assert commit.record.open_calls == ()
    assert end_from_outside(commit.record, "failed", at=OPENED_AT, reason="again") is None


def test_sweep_moves_the_moment_on_though_there_is_nothing_else_to_do() -> None:
    record = a_record(concluding="turns")
    commit = decide_when_due(record, record.conclude_at)
    assert commit is not None
    assert commit.due_at == record.deadline_at


def test_sweep_ends_what_is_past_its_deadline_as_timed_out() -> None:
    record = waiting_for("1-1")
    commit = decide_when_due(record, record.deadline_at)
    assert commit is not None
    assert commit.record.outcome == "timed_out"
    assert decide_when_due(commit.record, record.deadline_at) is None
