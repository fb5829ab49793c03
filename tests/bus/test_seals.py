"""Signed envelopes (T14): each service's key by each event, every altered byte, time, keys."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest

from bus.envelope import Entry, read_event
from bus.errors import NotConfigured
from bus.events import (
    Alarm,
    AlarmJoined,
    AlarmRecovered,
    DiagnosisReached,
    Event,
    FeedbackGiven,
    IncidentOpened,
    InvestigationId,
    InvestigationProgressed,
    InvestigationStopped,
    NoticeRequested,
    StopRequested,
    ToolCallFinished,
    ToolCallId,
    ToolCallRequested,
    TurnDue,
)
from bus.seals import ROLES, SEAL, Seals, Unsealed, seals_of
from bus.streams import DIAGNOSES, INCIDENTS, STREAM_OF, TURNS, Stream
from cli.envelope_keys import Keys, stepped, value

INV, CALL = InvestigationId("inc-1"), ToolCallId("1-1")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
ALL = {"ingest", "reasoner", "toolrunner", "notifier"}
MAY_WRITE: dict[type[Event], set[str]] = {
    TurnDue: {"reasoner", "notifier"},
    ToolCallRequested: {"reasoner"},
    ToolCallFinished: {"toolrunner"},
    AlarmJoined: {"ingest"},
    AlarmRecovered: {"ingest"},
    FeedbackGiven: {"ingest"},
    InvestigationProgressed: {"reasoner", "toolrunner"},
    DiagnosisReached: {"reasoner", "notifier", "ingest"},
    StopRequested: ALL,
    InvestigationStopped: {"notifier"},
    NoticeRequested: ALL,
}
"""Who may write what; an operator may write all of it, and anybody an incident."""
EVENTS: dict[type[Event], Event] = {
    type(event): event
    for event in (
        IncidentOpened(service="cartservice", summary="HTTP 500"),
        TurnDue(investigation_id=INV, turn=1),
        ToolCallRequested(
            investigation_id=INV, tool_call_id=CALL, turn=1, tool="k__logs", arguments={"a": 1}
        ),
        ToolCallFinished(investigation_id=INV, tool_call_id=CALL, ok=True),
        AlarmJoined(investigation_id=INV, alarm=Alarm(name="a")),
        AlarmRecovered(investigation_id=INV, alarm_name="a", recovered_at=NOON, policy="stop"),
        FeedbackGiven(investigation_id=INV, fingerprint="f", useful=True, person="U1"),
        InvestigationProgressed(investigation_id=INV, turn=1, activity="reads"),
        DiagnosisReached(investigation_id=INV, outcome="diagnosed"),
        StopRequested(investigation_id=INV, outcome="cancelled"),
        InvestigationStopped(investigation_id=INV, outcome="diagnosed", channel="C1", ts="1.2"),
        NoticeRequested(text="a sentence"),
    )
}
KEYS = stepped({}, "new")


def seals(role: str, *, keys: Keys = KEYS, after_seconds: float = 0) -> Seals:
    made = seals_of(role, prefix="nightshift:", mode="require", keys=value(keys, role))
    return dataclasses.replace(made, clock=lambda: NOON.timestamp() + after_seconds)


def entry_of(fields: Mapping[str, str], stream: Stream, *, after_seconds: float = 0) -> Entry:
    """As it would stand so long after noon, by Redis's clock."""
    milliseconds = round(1000 * (NOON.timestamp() + after_seconds))
    return Entry(stream=stream, group="", entry_id=f"{milliseconds}-0", fields=fields)


def accepts(reader: Seals, fields: Mapping[str, str], stream: Stream, *, at: float = 0) -> bool:
    try:
        reader.check(entry_of(fields, stream, after_seconds=at))
    except Unsealed:
        return False
    return True


def test_of_each_key_and_each_event_only_the_allowed_pairs_are_accepted() -> None:
    assert EVENTS.keys() - MAY_WRITE.keys() == {IncidentOpened}
    tried = 0
    for role, (kind, may_write) in product(ROLES, MAY_WRITE.items()):
        stream = STREAM_OF[kind]
        fields = seals(role).fields(EVENTS[kind])
        assert read_event(entry_of(fields, stream)) == EVENTS[kind]
        for reader in stream.heard_by:
            allowed = role in may_write | {"operator"}
            assert accepts(seals(reader), fields, stream) == allowed, (role, kind, reader)
            tried += 1
    assert tried == 5 * 18


def test_nobody_can_sign_in_the_name_of_another() -> None:
    """With every key that one service has, and any name, for any reader but itself."""
    tried = 0
    for thief, claimed, (kind, may_write) in product(ROLES, ROLES, MAY_WRITE.items()):
        stream = STREAM_OF[kind]
        if thief == claimed or claimed not in may_write | {"operator"}:
            continue
        forged = dataclasses.replace(seals(thief), service=claimed).fields(EVENTS[kind])
        for reader in set(stream.heard_by) - {thief}:
            assert not accepts(seals(reader), forged, stream), (thief, claimed, kind, reader)
            tried += 1
    assert tried > 100


def test_an_incident_is_taken_from_anybody_signed_or_not() -> None:
    by_hand = {"data": '{"service":"s","summary":"t"}', "sender": "me", SEAL + "reasoner": "x"}
    for role in ("reasoner", "notifier"):
        assert accepts(seals(role), by_hand, INCIDENTS)
        assert accepts(seals(role), seals("ingest").fields(EVENTS[IncidentOpened]), INCIDENTS)


@pytest.mark.parametrize("kind", MAY_WRITE, ids=lambda kind: kind.name())
def test_an_altered_byte_of_any_field_is_refused(kind: type[Event]) -> None:
    stream, writer = STREAM_OF[kind], min(MAY_WRITE[kind])
    for reader in stream.heard_by:
        others = {SEAL + each for each in stream.heard_by} - {SEAL + reader}
        fields = seals(writer).fields(EVENTS[kind], "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        checks = seals(reader)
        assert accepts(checks, fields, stream)
        for name in fields.keys() - others:
            text = fields[name]
            for at in range(len(text)):
                byte = chr(ord(text[at]) ^ 1)
                altered = fields | {name: text[:at] + byte + text[at + 1 :]}
                assert not accepts(checks, altered, stream), (name, at)
            less = {each: value for each, value in fields.items() if each != name}
            assert not accepts(checks, less, stream), name
        assert not accepts(checks, fields | {"replayed_from": "x"}, stream)


def test_an_entry_is_good_for_its_stream_and_its_installation_alone() -> None:
    fields = seals("reasoner").fields(EVENTS[TurnDue])
    other = dataclasses.replace(seals("reasoner"), prefix="staging:")

    assert accepts(seals("reasoner"), fields, TURNS)
    assert not accepts(other, fields, TURNS)
    assert not accepts(seals("notifier"), fields, DIAGNOSES)


def test_an_entry_may_wait_for_ever_and_be_put_on_its_stream_again_for_an_hour() -> None:
    """What counts is when it was appended, which Redis says, not when it is read."""
    fields = seals("reasoner").fields(EVENTS[TurnDue])
    month_later = seals("reasoner", after_seconds=30 * DAY)

    assert accepts(month_later, fields, TURNS)
    assert accepts(month_later, fields, TURNS, at=0.99 * HOUR)
    assert not accepts(month_later, fields, TURNS, at=1.01 * HOUR)
    assert not accepts(seals("reasoner"), fields, TURNS, at=1.01 * HOUR)


def test_keys_are_changed_in_three_steps_of_which_none_refuses_anybody() -> None:
    """At each roll-out some have the new file and some the old one."""
    steps = [KEYS]
    for step in ("add", "switch", "drop"):
        steps.append(stepped(steps[-1], step))
    for before, after in pairwise(steps):
        for writer, reader in product((before, after), repeat=2):
            fields = seals("toolrunner", keys=writer).fields(EVENTS[ToolCallFinished])
            stream = STREAM_OF[ToolCallFinished]
            assert accepts(seals("reasoner", keys=reader), fields, stream)
    old = seals("toolrunner").fields(EVENTS[ToolCallFinished])
    assert not accepts(seals("reasoner", keys=steps[-1]), old, STREAM_OF[ToolCallFinished])


def test_signing_alone_refuses_nobody_and_off_writes_nothing_more() -> None:
    lenient = dataclasses.replace(seals("reasoner"), mode="sign")
    off = Seals(service="reasoner")

    assert accepts(lenient, off.fields(EVENTS[TurnDue]), TURNS)
    assert accepts(seals("reasoner"), lenient.fields(EVENTS[TurnDue]), TURNS)
    assert off.fields(EVENTS[TurnDue]).keys() == {"event", "id", "version", "data"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "has no key with ingest and reasoner"),
        (value(KEYS, "reasoner").replace("notifier", "other"), "must look like"),
        (value(KEYS, "reasoner")[:-1], "must look like"),
        ("reasoner=" + "|".join(["ab" * 32] * 3), "at most two"),
    ],
)
def test_bad_keys_are_refused_in_a_sentence_without_them(keys: str, said: str) -> None:
    with pytest.raises(NotConfigured, match=said) as refused:
        seals_of("reasoner", prefix="", mode="sign", keys=keys)

    assert keys[9:40] not in str(refused.value) or not keys
    assert value(KEYS, "reasoner")[9:40] not in repr(seals("reasoner"))


def test_no_two_edges_share_a_key_and_no_service_has_one_of_others() -> None:
    listed = {
        role: set(value(KEYS, role).replace(",", "=").split("=")) - {*ROLES} for role in ROLES
    }

    assert len({key for keys in KEYS.values() for key in keys}) == 15
    for one, other in product(ROLES, ROLES):
        assert len(listed[one] & listed[other]) == (5 if one == other else 1)
    assert "sender" not in json.dumps(sorted(listed["ingest"]))
