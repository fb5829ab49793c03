"""Text of models, logs, alarms and people is data: no mention, no link, no image, no markup.

Each hostile text stands in every field that reaches Slack at once, on every card there is.
"""

import json
import re
from collections.abc import Iterator
from html import escape

import pytest

from bus.events import (
    CodeLocation,
    Evidence,
    Fix,
    Gap,
    InvestigationId,
    Outcome,
    RuledOut,
    ToolCallId,
)
from bus.record import Call, Record, Update
from bus.redaction.unseen import without_unseen
from services.notifier.blocks import Card
from services.notifier.calls_made import CallMade, call_made
from services.notifier.fitting import MAX_CHARACTERS, characters
from services.notifier.links import Links, links
from services.notifier.message import cleaned, cleaned_text
from services.notifier.plain_cards import plain_card
from services.notifier.report import again, beside, final_card, live_card, notice_card
from services.notifier.routing import moved
from services.notifier.stop import Place
from simulator.slack import render_message
from simulator.slack.block_kit import block_findings
from tests.notifier.conftest import MakeReplica
from tests.notifier.golden_file import golden
from tests.notifier.hostile import HOSTILE
from tests.notifier.records import OUTCOMES, diagnosis, ended, opened
from tests.notifier.slack_desk import Desk, texts

KINDS = {
    *("header", "context", "actions", "rich_text", "rich_text_section", "rich_text_list"),
    *("rich_text_preformatted", "text", "link", "plain_text", "button"),
}
KEYS = {"type", "text", "elements", "emoji", "style", "url", "action_id", "value", "bold", "code"}
BUTTONS = [(f"nightshift_{name}", "inc-7") for name in ("stop", "useful", "not_useful")]
TRACE = "https://jaeger.test/trace/{trace_id}"
LONG = 1_500
UPDATE_BYTES = 4_000
"""What Slack takes as the text of an edited message."""


def links_for(text: str) -> Links:
    return links(
        trace_url=TRACE, source_url="", listed=(), runbooks={text: text, "cartservice": text}
    )


def full(text: str) -> Record:
    """An ended record with the text in every field that is free text."""
    quote = Evidence(
        tool_call_id=ToolCallId(text), quote=text, verified=True, tool=text, first_line=1
    )
    found = diagnosis(
        summary=text,
        root_cause=text,
        component=text,
        code_location=CodeLocation(path=text, line=1, function=text),
        evidence=(quote, quote),
        ruled_out=(RuledOut(cause=text, reason=text),),
        gaps=(Gap(what=text, permission=text),),
        fix=Fix(summary=text, diff=text),
        model=text,
    )
    call = Call(tool_call_id=ToolCallId(text), tool_use_id="a", tool=text, sentence=text)
    updates = (Update(kind="joined", text=text), Update(kind="joined", text=text))
    record = ended("diagnosed", diagnosis=found, calls=(call,), updates=updates, model=text)
    incident = record.incident.model_copy(update={"service": text, "summary": text})
    changes = {"reason": text, "concluding": text, "notes": {"second look": text}}
    return record.changed(incident=incident, **changes)


def cards(text: str) -> Iterator[tuple[str, Card]]:
    """Every kind of card, each as the services make it: cleaned first."""
    said = cleaned_text(text)
    # Cleaning long texts takes long; that every field is cleaned the short ones show.
    record = cleaned(full(text)) if len(text) < LONG else full(said)
    asked = CallMade(call_made(f"any__{text}", {"pod": text, text: text}).words)
    made = {ToolCallId(said): asked}
    known = links_for(record.incident.service)
    yield "live", live_card(record.changed(state="turn_due"), said, now=record.deadline_at)
    yield "diagnosed", final_card(record, links=known, made=made)
    unsure = ("root_cause", "component", "code_location", "evidence", "fix")
    found = record.diagnosis
    assert found is not None
    doubted = found.model_copy(update={"unverified": unsure, "confidence": "low"})
    yield "doubted", final_card(record.changed(diagnosis=doubted), links=known, made=made)
    unknown = found.model_copy(update={"verdict": "unknown", "code_location": None})
    yield (
        "unknown",
        final_card(record.changed(outcome="inconclusive", diagnosis=unknown), made=made),
    )
    turn = list(HOSTILE.values()).index(text) % 3
    for outcome in OUTCOMES[1 + turn :: 3]:  # they are built alike: every text sees two of the six
        other = record.changed(outcome=outcome, diagnosis=None)
        yield outcome, final_card(other, links=known, activity=said, last_words=said, made=made)
    yield "beside another", beside(final_card(record, links=known, made=made))
    yield "again", again(final_card(record, links=known, made=made))
    yield "plain", plain_card(record, links=known, made=made)
    yield "plain, with all that is odd", moved(beside(plain_card(record)), "C0123456789")
    yield "plain, failed", plain_card(record.changed(outcome="failed"))
    yield "notice", notice_card(said)


def nodes(value: object) -> Iterator[dict[str, object]]:
    """Every object in the blocks."""
    for part in value if isinstance(value, list | tuple) else ():
        yield from nodes(part)
    if isinstance(value, dict):
        yield value
        yield from nodes(list(value.values()))


def odd_in(node: dict[str, object]) -> Iterator[str]:
    kind = node.get("type", "text")
    yield from (f"a key {key}" for key in node.keys() - KEYS)
    if kind not in KINDS:
        yield f"a {kind}"
    if kind == "plain_text" and node["emoji"] is not False:
        yield "emoji codes"
    if kind == "link" and not str(node["url"]).startswith("https://jaeger.test/"):
        yield f"a link to {node['url']}"
    if kind == "button" and (node["action_id"], node["value"]) not in BUTTONS:
        yield f"a button {node['action_id']} {node['value']}"


def forbidden_in(card: Card) -> Iterator[str]:
    """Everything in the JSON of a card that is no text element built by us."""
    for node in nodes(card.blocks):
        yield from odd_in(node)
    for text in [card.text, *texts(card.blocks)]:
        if without_unseen(text) != text or any("\ud800" <= sign <= "\udfff" for sign in text):
            yield f"something unseen: {text[:50]!a}"
    ours = re.sub(r"<https://jaeger\.test/trace/[0-9a-f]+\|Trace \(jaeger\.test\)>", "", card.text)
    entities = ours.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    yield from (f"a bare {mark} in the text" for mark in ("<", ">", "&", "://") if mark in entities)
    if len(escape(card.text, quote=False).encode()) > UPDATE_BYTES:
        yield "a text that no edit takes"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_in_every_field_reaches_slack_as_letters_only(name: str) -> None:
    for kind, card in cards(HOSTILE[name]):
        assert list(forbidden_in(card)) == [], kind
        assert block_findings(list(card.blocks)) == [], kind
        assert len(card.blocks) <= 50, kind
        assert characters(card.blocks) <= MAX_CHARACTERS + 100, kind
        json.dumps(card.blocks, ensure_ascii=False).encode()
        if kind not in ("live", "notice") and card.blocks:
            said = texts(card.blocks)
            assert "What to do next" in said, kind
            assert any("1 min 12 s · " in text for text in said), kind
            assert said[-1].endswith("Not useful"), kind


def test_there_are_at_least_sixty_hostile_texts_and_no_two_alike() -> None:
    assert len(set(HOSTILE.values())) == len(HOSTILE) >= 60


def test_golden_hostile_texts_stay_readable() -> None:
    shown = []
    for name, text in HOSTILE.items():
        quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=text, verified=True)
        found = diagnosis(root_cause=text, evidence=(quote,), fix=None)
        card = final_card(cleaned(ended("diagnosed", diagnosis=found)))
        lines = render_message({"blocks": list(card.blocks)}).split("\n")
        cause = next(line for line in lines if line.startswith("Root cause: "))
        at = next((n for n, line in enumerate(lines) if line.startswith("Evidence ")), 0)
        quoted = [line for line in lines[at + 1 :][:4] if line.startswith("    ")]
        shown += [f"## {name}", *(brief(line) for line in [card.text, cause, *quoted]), ""]
    assert "\n".join(shown) == golden("hostile_texts", "\n".join(shown))


def brief(line: str) -> str:
    return line if len(line) <= 200 else f"{line[:80]} [...] {line[-60:]}"


MARK = "<!here> M4RK https://evil.test"
MARKS: dict[str, dict[str, dict[str, object]]] = {
    **{name: {"diagnosis": {name: MARK}} for name in ("summary", "root_cause", "component")},
    "reason": {"record": {"reason": MARK}},
    "model": {"record": {"model": MARK}},
    "limit": {"record": {"concluding": MARK}},
    "second look": {"record": {"notes": {"second look": MARK}}},
    "path": {"diagnosis": {"code_location": CodeLocation(path=MARK, line=1)}},
    "function": {"diagnosis": {"code_location": CodeLocation(path="x", function=MARK)}},
    "cause": {"diagnosis": {"ruled_out": (RuledOut(cause=MARK, reason="x"),)}},
    "why not": {"diagnosis": {"ruled_out": (RuledOut(cause="x", reason=MARK),)}},
    "gap": {"diagnosis": {"gaps": (Gap(what=MARK),)}},
    "permission": {"diagnosis": {"gaps": (Gap(what="x", permission=MARK),)}},
    "fix": {"diagnosis": {"fix": Fix(summary=MARK)}},
    "diff": {"diagnosis": {"fix": Fix(summary="x", diff=MARK)}},
    "alarm": {"record": {"updates": (Update(kind="joined", text=MARK),)}},
}


@pytest.mark.parametrize("name", MARKS)
def test_each_field_is_shown_letter_by_letter(name: str) -> None:
    """The control of the test above: a field that no card shows would prove nothing."""
    found = diagnosis(**MARKS[name].get("diagnosis", {}))
    outcome: Outcome = "failed" if name == "reason" else "diagnosed"
    record = ended(outcome, diagnosis=found).changed(**MARKS[name].get("record", {}))
    assert any(MARK in text for text in texts(final_card(cleaned(record)).blocks))


async def test_hostile_cards_pass_slack_on_the_wire_and_stand_as_sent(
    desk: Desk, make_replica: MakeReplica
) -> None:
    slack = make_replica().messages.slack
    place: Place | None = None
    for name in ("spoofed", "block after quotes", "half a sign", "families", "ampersands", "lines"):
        for kind, card in cards(HOSTILE[name]):
            if kind not in ("diagnosed", "unknown", "plain, failed", "notice"):
                continue
            if place is None:
                place = await slack.post(card, InvestigationId("inc-7"))
            else:
                await slack.edit(place, card, incident_id=InvestigationId("inc-7"))
            now = desk.messages[0].now
            assert (now.text, now.blocks) == (card.text, list(card.blocks)), (name, kind)


def test_quoted_text_stays_readable_letter_by_letter() -> None:
    line = "GET /cart?a=1&b=<none> failed: <nil> `x` *y*"
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=line, verified=True)
    card = final_card(cleaned(ended("diagnosed", diagnosis=diagnosis(evidence=(quote,)))))
    assert line in texts(card.blocks)


def test_secret_in_the_models_text_is_not_shown() -> None:
    secret = "ghp_" + "a1B2" * 10
    record = cleaned(ended("diagnosed", diagnosis=diagnosis(root_cause=f"token {secret} leaked")))
    card = final_card(record)
    assert secret not in card.text + json.dumps(card.blocks)
    assert "[secret:github:" in card.text


def test_secret_in_what_a_call_asked_for_is_not_shown() -> None:
    secret = "ghp_" + "a1B2" * 10
    assert secret not in call_made("github__search_code", {"query": f"token {secret}"}).words


def test_cleaning_leaves_ids_times_and_figures_alone() -> None:
    record = ended("diagnosed")
    assert cleaned(record) == record


def test_escaped_text_is_cut_between_entities() -> None:
    card = plain_card(opened(state="ended", outcome="failed", reason="&" * 10_000))
    assert card.text.replace("&amp;", "").count("&") == 0
    assert len(card.text.encode()) <= UPDATE_BYTES
