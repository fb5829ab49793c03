"""Entries are readable, hand-made ones work, wrong ones say what is wrong."""

import json

import pytest

from bus.envelope import Entry, entry_fields, read_event
from bus.errors import Rejected
from bus.events import DiagnosisReached, IncidentOpened, InvestigationId, TurnDue
from bus.streams import INCIDENTS, TURNS, UPDATES, Stream
from bus.tracing import root_of


def entry_of(fields: dict[str, str], stream: Stream = INCIDENTS) -> Entry:
    return Entry(stream=stream, group="reasoner", entry_id="1700000000000-0", fields=fields)


def test_event_survives_the_way_through_its_entry() -> None:
    sent = TurnDue(investigation_id=InvestigationId("inc-1"), turn=3)
    assert read_event(entry_of(entry_fields(sent), TURNS)) == sent


def test_hand_made_entry_needs_data_alone_and_every_default_comes_from_it() -> None:
    entry = entry_of({"data": '{"service":"cartservice","summary":"HTTP 500"}'})
    incident = read_event(entry)
    assert isinstance(incident, IncidentOpened)
    assert incident.incident_id == "inc-1700000000000-0"
    assert entry.event_id == "1700000000000-0"
    assert entry.traceparent == root_of("inc-1700000000000-0").traceparent
    assert entry.written_at.timestamp() == 1_700_000_000


def test_callers_trace_becomes_the_parent_of_the_root() -> None:
    caller = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    root = root_of("inc-1", caller)
    assert root.trace_id == "ab" * 16
    assert root.parent_id == "cd" * 8
    assert root.span_id == root_of("inc-1").span_id


def test_ingests_own_root_has_no_parent() -> None:
    assert root_of("inc-1", root_of("inc-1").traceparent).parent_id == ""


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"data": "not json"}, "not JSON"),
        ({"summary": "x"}, "no field `data`"),
        ({"data": "[1]"}, "must be a JSON object"),
        ({"data": '{"service":"a"}'}, "summary: Field required"),
        ({"data": '{"service":"a","summary":"b","colour":"red"}'}, "colour: Extra inputs"),
        (
            {"data": '{"service":"a","summary":"b","incident_id":"a b"}'},
            "incident_id: String should",
        ),
        ({"data": "{}", "event": "TurnDue"}, "does not belong on incidents"),
        ({"data": "{}", "version": "2.0"}, "schema version 2.0 is not known"),
        ({"data": "{}", "version": "0.9"}, "schema version 0.9 is not known"),
        ({"data": "{}", "version": "one"}, "'one' is no schema version"),
        ({"data": "{}", "version": "1"}, "'1' is no schema version"),
        ({"data": "{}", "version": "1.x"}, "is no schema version"),
        ({"data": "{}", "version": "1.2\n"}, "is no schema version"),
        ({"data": "[" * 100_000}, "not JSON"),
    ],
)
def test_wrong_entry_is_rejected_with_the_reason(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        read_event(entry_of(fields))


def test_unknown_fields_of_a_newer_minor_version_are_left_out() -> None:
    body = json.dumps({"service": "a", "summary": "b", "colour": "red"})
    incident = read_event(entry_of({"data": body, "version": "1.7"}))
    assert isinstance(incident, IncidentOpened)
    assert incident.service == "a"


def test_what_a_newer_minor_version_adds_inside_a_field_is_left_out() -> None:
    alarm = {"name": "cart-errors", "owner": {"team": "red"}}
    body = json.dumps({"service": "a", "summary": "b", "alarm": alarm})
    with pytest.raises(Rejected, match="owner: Extra inputs"):
        read_event(entry_of({"data": body}))
    incident = read_event(entry_of({"data": body, "version": "1.999"}))
    assert isinstance(incident, IncidentOpened)
    assert incident.alarm is not None
    assert incident.alarm.name == "cart-errors"


def test_entry_of_an_older_minor_version_is_read() -> None:
    body = json.dumps({"service": "a", "summary": "b"})
    assert isinstance(read_event(entry_of({"data": body, "version": "1.0"})), IncidentOpened)


def test_event_of_another_stream_is_refused() -> None:
    fields = entry_fields(
        DiagnosisReached(investigation_id=InvestigationId("inc-1"), outcome="diagnosed")
    )
    with pytest.raises(Rejected, match="does not belong on updates"):
        read_event(entry_of(fields, UPDATES))
