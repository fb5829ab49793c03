"""Every card as a person reads it, in files: what a change does to them is seen in its diff."""

from datetime import timedelta

import pytest

from bus.events import Evidence, Fix, Gap, Outcome, RuledOut, ToolCallId
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.calls_made import call_made
from services.notifier.links import links
from services.notifier.message import cleaned
from services.notifier.plain_cards import plain_card
from services.notifier.report import again, beside, final_card, live_card, notice_card
from simulator.slack import render_message
from simulator.slack.block_kit import block_findings
from tests.notifier.golden_file import golden
from tests.notifier.records import LINE, OPENED_AT, diagnosis, ended, opened

LINKS = links(
    trace_url="https://jaeger.example/trace/{trace_id}",
    source_url="https://github.com/shop/boutique/blob/{revision}/{path}#L{line}",
    listed=["wiki.example"],
    runbooks={"cartservice": "https://wiki.example/cart"},
)
FILE = "src/cartservice/src/cartstore/RedisCartStore.cs"
MADE = {
    ToolCallId("1-1"): call_made(
        "kubernetes__get_logs", {"namespace": "boutique", "pod": "cartservice-7c9f6d5b84-x2k4q"}
    ),
    ToolCallId("1-2"): call_made("github__search_code", {"query": "ConnectionMultiplexer"}),
    ToolCallId("2-1"): call_made("github__get_file_contents", {"path": FILE, "ref": "8d41f0b"}),
}
FOUND = diagnosis(
    root_cause=(
        "RedisCartStore keeps one connection for ever and never opens it again. After redis-cart"
        " was restarted at 02:57 every call fails until the pod is restarted too."
    ),
    evidence=(
        *diagnosis().evidence,
        Evidence(
            tool_call_id=ToolCallId("2-1"),
            quote="private readonly ConnectionMultiplexer redis;",
            verified=True,
            first_line=61,
            tool="github__get_file_contents",
        ),
    ),
    ruled_out=(
        RuledOut(cause="memory", reason="no container was killed"),
        RuledOut(cause="a deploy", reason="the last rollout was nine days ago"),
    ),
    gaps=(
        Gap(what="the events of redis-cart", permission="events: list"),
        Gap(what="node metrics"),
    ),
)
HEALTHY = diagnosis(
    verdict="healthy",
    root_cause="A deploy at 02:58 replaced the only pod.",
    summary="Nothing is wrong now. Requests failed for 40 seconds and succeed again.",
    code_location=None,
    fix=Fix(summary="Run two replicas."),
    gaps=(),
    confidence="medium",
)
DOUBTED = FOUND.model_copy(
    update={"unverified": ("root_cause", "fix", "code_location"), "confidence": "low"}
)
UNKNOWN = FOUND.model_copy(
    update={"verdict": "unknown", "unverified": ("verdict",), "confidence": "low"}
)
NOTHING_PROVES_IT = "no quote shows it, so nothing is concluded"


def final(record: Record, **known: str) -> Card:
    return final_card(cleaned(record), links=LINKS, made=MADE, **known)


def stopped(outcome: Outcome, **changes: object) -> Card:
    record = ended(outcome, **changes)
    words = "The connection to redis-cart is refused. I look at its pod next."
    return final(record, activity="turn 2: kubernetes__list_events", last_words=words)


CARDS = {
    "live": live_card(
        opened(), "turn 1: kubernetes__get_logs", now=OPENED_AT + timedelta(seconds=42)
    ),
    "diagnosed": final(ended("diagnosed", diagnosis=FOUND, updates_shown=2)),
    "diagnosed_doubted": final(
        ended(
            "diagnosed",
            diagnosis=DOUBTED,
            concluding="turns",
            notes={"second look": "doubted: the quote shows a symptom"},
        )
    ),
    "healthy": final(ended("diagnosed", diagnosis=HEALTHY, updates_shown=2)),
    "inconclusive": final(ended("inconclusive", diagnosis=UNKNOWN, reason=NOTHING_PROVES_IT)),
    "inconclusive_in_words": stopped("inconclusive", reason="the model refused to go on"),
    "timed_out": stopped("timed_out"),
    "timed_out_unseen": final(
        opened(state="ended", outcome="timed_out", ended_at=opened().deadline_at)
    ),
    "out_of_budget": stopped("out_of_budget", concluding="dollars"),
    "cancelled": stopped("cancelled", reason="stopped by ada in Slack"),
    "recovered": stopped("recovered"),
    "failed": stopped("failed", reason="the model answers 401: the key is not valid"),
    "plain": plain_card(ended("diagnosed", diagnosis=FOUND), links=LINKS, made=MADE),
    "plain_failed": plain_card(ended("failed", reason="see https://status.example/401")),
    "beside": beside(final(ended("diagnosed", diagnosis=HEALTHY))),
    "again": again(final(ended("diagnosed", diagnosis=HEALTHY))),
    "notice": notice_card("The service `carts` is not in the catalogue: see https://x.example"),
}


@pytest.mark.parametrize("name", CARDS)
def test_golden_card_reads_as_before(name: str) -> None:
    card = CARDS[name]
    assert block_findings(list(card.blocks)) == []
    shown = render_message({"text": card.text, "blocks": list(card.blocks)})
    whole = f"In notifications: {card.text}\n\n{shown}"
    assert whole == golden(f"card_{name}", whole)


def test_every_final_card_says_what_happened_what_to_do_and_where_it_ends() -> None:
    for name in CARDS.keys() - {"live", "plain", "plain_failed", "notice"}:
        shown = render_message({"blocks": list(CARDS[name].blocks)}).split("\n")
        assert " · " in shown[0], name
        assert "What to do next" in shown, name
        assert shown[shown.index("What to do next") + 1].startswith("1. "), name
        assert shown[-1] == "[\U0001f44d Useful]  [\U0001f44e Not useful]", name


def test_quote_of_the_evidence_and_line_of_the_source_have_their_places_in_words() -> None:
    shown = render_message({"blocks": list(CARDS["diagnosed"].blocks)})
    place = "log of pod cartservice-7c9f6d5b84-x2k4q · tool call 1-1 · kubernetes__get_logs"
    assert f"Evidence {place} · line 412\n    {LINE}" in shown
    source = "source at 8d41f0b (github.com) (https://github.com/shop/boutique/blob/8d41f0b/"
    assert f"{source}{FILE}#L61)" in shown
