"""Records as they stand at the end of an investigation, one for each outcome."""

from datetime import UTC, datetime, timedelta

from bus.events import (
    CodeLocation,
    Diagnosis,
    Evidence,
    Fix,
    Gap,
    IncidentOpened,
    Outcome,
    RuledOut,
    ToolCallId,
)
from bus.record import Call, Record, Spend, Update, new_record
from bus.tracing import root_of

OPENED_AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LINE = "StackExchange.Redis.RedisConnectionException: no connection is active"
OUTCOMES: tuple[Outcome, ...] = (
    "diagnosed",
    "inconclusive",
    "timed_out",
    "out_of_budget",
    "cancelled",
    "recovered",
    "failed",
)


def opened(**changes: object) -> Record:
    """A record whose first turn is due."""
    incident = IncidentOpened(
        service="cartservice",
        summary="HTTP 500 on checkout",
        incident_id="inc-7",
        fingerprint="f-1",
    )
    lasts, root = timedelta(seconds=300), root_of("inc-7")
    record = new_record(incident, opened_at=OPENED_AT, lasts=lasts, root=root)
    return record.changed(**changes)


def diagnosis(**changes: object) -> Diagnosis:
    """A fault, found with one verified quote and one that failed."""
    found = Diagnosis(
        verdict="fault",
        summary="Checkout fails because the cart cannot be read.",
        root_cause="RedisCartStore.cs keeps one connection for ever and never opens it again.",
        component="cartservice",
        code_location=CodeLocation(
            path="src/cartservice/src/cartstore/RedisCartStore.cs", line=61, function="GetCartAsync"
        ),
        evidence=(
            Evidence(
                tool_call_id=ToolCallId("1-1"),
                quote=LINE,
                verified=True,
                first_line=412,
                tool="kubernetes__get_logs",
            ),
            Evidence(tool_call_id=ToolCallId("1-2"), quote="made up by the model", verified=False),
        ),
        ruled_out=(RuledOut(cause="memory", reason="no container was killed"),),
        gaps=(Gap(what="the events of redis-cart", permission="events: list"),),
        fix=Fix(summary="Open the connection again.", diff="-  old line\n+  new line"),
        confidence="high",
        model="claude-test",
    )
    return found.model_copy(update=changes)


def ended(outcome: Outcome, **changes: object) -> Record:
    """An ended record of that outcome, after two turns and one tool call of each kind."""
    calls = (
        Call(
            tool_call_id=ToolCallId("1-1"), tool_use_id="a", tool="kubernetes__get_logs", state="ok"
        ),
        Call(
            tool_call_id=ToolCallId("1-2"),
            tool_use_id="b",
            tool="github__search_code",
            state="error",
            sentence="not available before the deadline",
        ),
    )
    spend = Spend(
        model_calls=2,
        input_tokens=1_000,
        cache_read_tokens=20_000,
        cache_write_tokens=500,
        output_tokens=700,
        cost_usd=0.0421,
    )
    updates = (
        Update(kind="joined", text="alarm frontend-5xx joined"),
        Update(kind="joined", text="alarm latency-p95 joined"),
    )
    changes = {
        "state": "ended",
        "turn": 2,
        "outcome": outcome,
        "ended_at": OPENED_AT + timedelta(seconds=72.4),
        "calls": calls,
        "spend": spend,
        "updates": updates,
        "updates_shown": 1,
        "model": "claude-test",
        "diagnosis": diagnosis() if outcome == "diagnosed" else None,
    } | changes
    return opened(**changes)
