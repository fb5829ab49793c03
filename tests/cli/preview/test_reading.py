"""Whatever a user has at hand becomes the message that the notifier would write."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bus.errors import NotConfigured
from bus.events import DiagnosisReached, InvestigationId
from bus.record import fields_of
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.preview.messages import message_of
from cli.preview.reading import MOST_BYTES, NotReadable, Seen, read
from cli.preview.samples import SAMPLES, Sample
from services.notifier.links import Links

SETTINGS = {
    "NIGHTSHIFT_TRACE_URL": "https://jaeger.example.com/trace/{trace_id}",
    "NIGHTSHIFT_SOURCE_URL": "https://github.com/example/boutique/blob/{revision}/{path}#L{line}",
    "NIGHTSHIFT_REPOSITORY": "example/boutique",
}
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "hello"}}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this shell reaches a card."""
    for name in (*SETTINGS, "NIGHTSHIFT_CATALOG", "NIGHTSHIFT_LINK_HOSTS"):
        monkeypatch.delenv(name, raising=False)


def seen(value: object) -> Seen:
    return read(json.dumps(value).encode())


def without_extras(sample: Sample) -> dict[str, object]:
    return message_of(Sample(record=sample.record, links=Links()))


@pytest.mark.parametrize("name", ["live", "diagnosed", "timed_out"])
def test_record_as_an_object_and_as_redis_holds_it_give_the_same_card(name: str) -> None:
    record = SAMPLES[name].record
    expected = without_extras(SAMPLES[name])
    assert read(record.model_dump_json().encode()).shown.message == expected
    assert seen(fields_of(record)).shown.message == expected


def story(sample: Sample) -> Story:
    """The sample as `nightshift show --json` prints an investigation."""
    record = sample.record
    contents = [reply["content"] for reply in sample.transcript]
    turns = [
        TurnSeen.model_validate(
            {
                "turn": turn,
                "said": content
                if isinstance(content, list)
                else [{"type": "text", "text": content}],
                "calls": [
                    CallSeen(**call.model_dump(exclude={"tool_use_id"}))
                    for call in record.calls_of(turn)
                ],
            }
        )
        for turn, content in enumerate(contents, 1)
    ]
    return Story(
        incident=record.investigation_id,
        **record.incident.model_dump(include={"service", "summary", "severity", "trigger"}),
        **record.model_dump(include={"state", "turn", "outcome", "reason", "concluding"}),
        **record.model_dump(include={"opened_at", "deadline_at", "ended_at", "model"}),
        **record.model_dump(include={"catalogue", "spend", "diagnosis"}),
        elapsed_seconds=1.0,
        trace_id=record.trace.trace_id,
        slack={},
        never_settled_usd={},
        updates=[f"{update.kind}: {update.text}" for update in record.updates],
        turns=turns,
        timeline=[],
    )


@pytest.mark.parametrize("name", ["diagnosed", "timed_out", "inconclusive"])
def test_export_of_show_gives_the_whole_card_with_calls_in_words_and_the_links_of_the_settings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SETTINGS.items():
        monkeypatch.setenv(variable, value)
    sample = SAMPLES[name]
    links = Links(
        frozenset({"slack.com", "github.com", "jaeger.example.com"}),
        SETTINGS["NIGHTSHIFT_TRACE_URL"],
        SETTINGS["NIGHTSHIFT_SOURCE_URL"],
    )
    shown = read(story(sample).model_dump_json().encode()).shown
    expected = Sample(record=sample.record, transcript=sample.transcript, links=links)
    assert shown.message == message_of(expected)
    assert shown.at == "03:12"


def test_diagnosis_alone_gives_its_card_and_says_what_is_not_in_it() -> None:
    found = SAMPLES["diagnosed"].record.diagnosis
    assert found is not None
    shown = read(found.model_dump_json().encode())
    assert "Loafers cannot be added" in json.dumps(shown.shown.message)
    assert "not in it" in shown.note


def test_event_that_says_how_it_ended_gives_the_card_of_that_outcome() -> None:
    event = DiagnosisReached(
        investigation_id=InvestigationId("inc-9"), outcome="cancelled", reason="stopped by ada"
    )
    said = json.dumps(read(event.model_dump_json().encode()).shown.message)
    assert "stopped by ada" in said
    assert "inc-9" in said


@pytest.mark.parametrize(
    "given",
    [
        [HEADER],
        {"blocks": [HEADER]},
        {"channel": "C1", "text": "", "blocks": json.dumps([HEADER])},
    ],
)
def test_payload_is_shown_as_it_is(given: object) -> None:
    assert seen(given).shown.message["blocks"] == [HEADER]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "it is no JSON: Expecting value, line 1, column 1"),
        (b"{'a': 1}", "it is no JSON: Expecting property name"),
        (b"\xff\xfe", "it is no UTF-8 text: byte 0"),
        (b"[" * 100_000, "it is no JSON that can be read: too deep"),
        (b"1" * 5_000, "it is no JSON that can be read"),
        (b"7", "it holds 7 and no object"),
        (b" " * (MOST_BYTES + 1), "it is too long: 8,388,609 bytes, at most 8,388,608"),
        (b"{}", "no card can be made of an object with nothing"),
        (b'{"a": 1, "b": 2}', "no card can be made of an object with a, b"),
        (b'{"blocks": 3}', "its `blocks` are no list"),
        (b'{"blocks": "[1"}', "it is no JSON: Expecting"),
        (b'{"incident": {}}', "it looks like a record and is none: investigation_id: Field"),
        (b'{"incident": "x", "state": "ended"}', "it is no record: "),
        (b'{"incident": "x", "schema_version": "9.0"}', "its record is in schema 9.0"),
        (b'{"incident": "x", "turns": []}', "it looks like an export of `nightshift show`"),
        (b'{"verdict": "guilty"}', "it looks like a diagnosis and is none: verdict: "),
        (b'{"outcome": "won", "investigation_id": "i"}', "it looks like a DiagnosisReached"),
        (b'{"outcome": "failed", "investigation_id": "a b"}', "it looks like a diagnosis"),
    ],
)
def test_everything_else_is_refused_with_a_sentence_that_says_what_is_wrong(
    raw: bytes, sentence: str
) -> None:
    with pytest.raises(NotReadable) as refused:
        read(raw)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 400


def test_record_whose_times_have_no_zone_is_refused() -> None:
    record = json.loads(SAMPLES["failed"].record.model_dump_json())
    moment = datetime(2026, 11, 24, 3, tzinfo=UTC).replace(tzinfo=None)
    changed: Mapping[str, object] = record | {"opened_at": moment.isoformat()}
    with pytest.raises(NotReadable, match="no time zone"):
        seen(changed)


def test_wrong_setting_for_links_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_TRACE_URL", "nowhere")
    with pytest.raises(NotConfigured, match="NIGHTSHIFT_TRACE_URL"):
        read(SAMPLES["failed"].record.model_dump_json().encode())
