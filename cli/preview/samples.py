"""One investigation of Online Boutique for every card there is: made up, and true to its form.

The command shows them, the pictures of `docs/cards.md` are made of them, and tests hold both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bus.events import IncidentOpened, Outcome, Severity, ToolCallId
from bus.record import Call, Record, Spend, Update, new_record
from bus.tracing import root_of
from cli.preview.sample_diagnoses import (
    CHECKOUT,
    COMMITS,
    EVENTS,
    FILE,
    LOAFERS,
    LOGS,
    MODEL,
    PODS,
    POINTS,
    SEARCH,
    SHIPPING,
)

TRACES = "https://jaeger.example.com/trace/{trace_id}"
LATE = "not available before the deadline"
GONE = "not available: the investigation ended"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A record, and what the notifier knows of the work beside it when it draws the card."""

    record: Record
    activity: str = ""
    last_words: str = ""
    traces: str = TRACES
    """As the setting NIGHTSHIFT_TRACE_URL has it."""

    @property
    def trace_url(self) -> str:
        """Where its trace is; empty where nobody can say."""
        return self.traces.replace("{trace_id}", self.record.trace.trace_id)


def opened(incident_id: str, service: str, *, summary: str, severity: Severity = "error") -> Record:
    """A record whose first turn is due, opened in the night of 24 November."""
    incident = IncidentOpened(
        service=service,
        summary=summary,
        incident_id=incident_id,
        severity=severity,
        trigger="cloudwatch",
        fingerprint=f"f-{service}",
    )
    opened_at = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
    lasts = timedelta(seconds=300)
    return new_record(incident, opened_at=opened_at, lasts=lasts, root=root_of(incident_id))


def worked(record: Record, *turns: tuple[str, ...], dollars: float, **changes: object) -> Record:
    """The record after turns in which these tools were called; what a turn costs grows with it.

    A tool named `tool: sentence` had no result, and the sentence says why.
    """
    calls = []
    for number, tools in enumerate(turns, 1):
        for place, named in enumerate(tools, 1):
            tool, _, sentence = named.partition(": ")
            calls.append(
                Call(
                    tool_call_id=ToolCallId(f"{number}-{place}"),
                    tool_use_id=f"use-{number}-{place}",
                    tool=tool,
                    state="error" if sentence else "ok",
                    sentence=sentence,
                )
            )
    spend = Spend(
        model_calls=len(turns),
        input_tokens=310 * len(turns),
        cache_read_tokens=7_400 * len(turns),
        cache_write_tokens=2_150 * len(turns),
        output_tokens=412 * len(turns),
        cost_usd=dollars,
    )
    done = {"turn": len(turns), "calls": tuple(calls), "spend": spend, "model": MODEL}
    return record.changed(**(done | changes))


def ended(record: Record, outcome: Outcome, *, seconds: float, **changes: object) -> Record:
    """The record, ended so long after it was opened; open calls have no result."""
    at = record.opened_at + timedelta(seconds=seconds)
    return record.changed(state="ended", outcome=outcome, ended_at=at, **changes)


def _diagnosed() -> Sample:
    summary = "cartservice-error: Threshold Crossed: 1 datapoint [14.0] was greater than 0.0"
    record = opened("inc-8d41f0b", "cartservice", summary=summary)
    turns = ((PODS, EVENTS, POINTS), (LOGS, LOGS), (FILE, COMMITS), ())
    record = worked(record, *turns, dollars=0.0842)
    return Sample(record=ended(record, "diagnosed", seconds=94.2, diagnosis=LOAFERS))


def _healthy() -> Sample:
    summary = "frontend-error: Threshold Crossed: 1 datapoint [5.0] was greater than 0.0"
    record = opened("inc-5c1be07", "frontend", summary=summary, severity="warning")
    turns = ((POINTS, EVENTS), (PODS, LOGS, LOGS), ())
    record = worked(record, *turns, dollars=0.0577)
    return Sample(record=ended(record, "diagnosed", seconds=61.8, diagnosis=CHECKOUT))


def _inconclusive() -> Sample:
    summary = "shippingservice-error: Threshold Crossed: 1 datapoint [2.0] was greater than 0.0"
    record = opened("inc-77e0d3a", "shippingservice", summary=summary)
    denied = f"{LOGS}: the Kubernetes API said 403: pods/log"
    turns = ((PODS, EVENTS, denied), (SEARCH, POINTS, COMMITS), (FILE,), ())
    record = worked(record, *turns, dollars=0.0911)
    return Sample(record=ended(record, "inconclusive", seconds=118.4, diagnosis=SHIPPING))


def _timed_out() -> Sample:
    summary = "recommendationservice-error: Threshold Crossed: 1 datapoint [10.0]"
    record = opened("inc-2f9ac41", "recommendationservice", summary=summary)
    turns = ((PODS, EVENTS), (LOGS, LOGS), (f"{SEARCH}: {LATE}", f"{POINTS}: {LATE}"))
    joined = Update(kind="joined", text="another alarm of the same problem: frontend-latency-p95")
    record = worked(record, *turns, dollars=0.0734, updates=(joined,), updates_shown=1, turn=4)
    return Sample(
        record=ended(record, "timed_out", seconds=300.0, concluding="deadline"),
        activity="searching logs: cloudwatch__search_logs",
        last_words="recommendationservice times out waiting for productcatalogservice. Next I want"
        " to see whether the catalogue itself got slower, or only the way to it.",
    )


def _out_of_budget() -> Sample:
    summary = "adservice-restarts: Threshold Crossed: 1 datapoint [54.0] was greater than 50.0"
    record = opened("inc-b90e6d2", "adservice", summary=summary)
    turns = ((PODS, EVENTS), (LOGS,), ("kubernetes__describe_workload", FILE))
    record = worked(record, *turns, dollars=0.4987, concluding="dollars", turn=4)
    return Sample(
        record=ended(record, "out_of_budget", seconds=142.0, reason="limit reached: dollars"),
        activity="concluding",
        last_words="The container was killed with exit code 137. Next I want to compare its memory"
        " limit with what the JVM is told to use.",
    )


def _cancelled() -> Sample:
    summary = "paymentservice-pending: Threshold Crossed: 1 datapoint [5.0]"
    record = opened("inc-e1437c8", "paymentservice", summary=summary, severity="warning")
    record = worked(record, (PODS, EVENTS, f"{COMMITS}: {GONE}"), dollars=0.0126, turn=1)
    return Sample(
        record=ended(record, "cancelled", seconds=23.5, reason="stopped by Ada in Slack"),
        activity="listing commits: github__list_commits",
        last_words="A new pod cannot pull its image, the old one still serves.",
    )


def _recovered() -> Sample:
    summary = "checkoutservice-error: Threshold Crossed: 1 datapoint [3.0] was greater than 0.0"
    record = opened("inc-0a7d5f6", "checkoutservice", summary=summary)
    record = worked(record, (PODS, EVENTS), (f"{LOGS}: {GONE}",), dollars=0.0241)
    reason = "checkoutservice-error went back to OK"
    return Sample(
        record=ended(record, "recovered", seconds=47.0, reason=reason),
        activity="reading logs: kubernetes__get_logs",
    )


def _failed() -> Sample:
    record = opened(
        "inc-c36b812", "emailservice", summary="No confirmation is sent", severity="critical"
    )
    said = "the model API refused: 401 authentication_error: invalid x-api-key"
    return Sample(record=ended(record, "failed", seconds=3.1, reason=said))


def _live() -> Sample:
    record = opened("inc-8d41f0b", "cartservice", summary="HTTP 500 on checkout")
    record = worked(record, (PODS, EVENTS, POINTS), (LOGS,), dollars=0.0313)
    return Sample(record=record, activity="reading logs: kubernetes__get_logs")


SAMPLES: Mapping[str, Sample] = {
    "live": _live(),
    "diagnosed": _diagnosed(),
    "healthy": _healthy(),
    "inconclusive": _inconclusive(),
    "timed_out": _timed_out(),
    "out_of_budget": _out_of_budget(),
    "cancelled": _cancelled(),
    "recovered": _recovered(),
    "failed": _failed(),
}
"""By the name of the card, in the order of `docs/cards.md`."""
