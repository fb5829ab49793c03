"""One investigation of Online Boutique for every card there is: made up, and true to its form.

The command shows them, the pictures of `docs/cards.md` are made of them, and tests hold both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bus.events import IncidentOpened, Outcome, Severity, ToolCallId
from bus.record import Call, Record, Spend, Update, new_record
from bus.tracing import root_of
from cli.preview.sample_diagnoses import (
    CART_STORE,
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
    WORKLOAD,
)
from services.notifier.links import Links, links

REVISION = "8d41f0b2c6"
LATE = "not available before the deadline"
GONE = "not available: the investigation ended"
LINKS = links(
    trace_url="https://jaeger.example.com/trace/{trace_id}",
    source_url="https://github.com/example/boutique/blob/{revision}/{path}#L{line}",
    listed=["wiki.example.com"],
    runbooks={"cartservice": "https://wiki.example.com/runbooks/cartservice"},
)


@dataclass(frozen=True)
class Use:
    """One use of a tool: what it named, and why it had no result, empty where it had one."""

    tool: str
    named: str = ""
    value: str = ""
    without: str = ""
    more: tuple[str, str] = ("", "")
    """One more argument."""

    @property
    def arguments(self) -> dict[str, object]:
        """As the model gave them."""
        given = dict([(self.named, self.value), self.more])
        return {name: value for name, value in given.items() if name}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A record, and what the notifier knows of the work beside it when it draws the card."""

    record: Record
    transcript: tuple[dict[str, object], ...] = ()
    activity: str = ""
    links: Links = LINKS
    now: datetime | None = None


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


def worked(record: Record, *turns: tuple[Use, ...], dollars: float, says: str = "") -> Sample:
    """The record after these turns, with their transcript; `says` is the model's last text."""
    spend = Spend(
        model_calls=len(turns),
        input_tokens=310 * len(turns),
        cache_read_tokens=7_400 * len(turns),
        cache_write_tokens=2_150 * len(turns),
        output_tokens=412 * len(turns),
        cost_usd=dollars,
    )
    calls = tuple(
        Call(
            tool_call_id=ToolCallId(f"{turn}-{place}"),
            tool_use_id=f"{turn}-{place}",
            tool=use.tool,
            state="error" if use.without else "ok",
            sentence=use.without,
        )
        for turn, uses in enumerate(turns, 1)
        for place, use in enumerate(uses, 1)
    )
    changed = record.changed(turn=len(turns), calls=calls, spend=spend, model=MODEL)
    replies = [_reply(turn, uses) for turn, uses in enumerate(turns, 1)]
    words: list[dict[str, object]] = [{"role": "assistant", "content": says}] if says else []
    return Sample(record=changed, transcript=(*replies, *words))


def ended(sample: Sample, outcome: Outcome, *, seconds: float, **changes: object) -> Sample:
    """The sample with its record ended so long after it was opened."""
    at = sample.record.opened_at + timedelta(seconds=seconds)
    record = sample.record.changed(state="ended", outcome=outcome, ended_at=at, **changes)
    return replace(sample, record=record)


def _reply(turn: int, uses: tuple[Use, ...]) -> dict[str, object]:
    content = [
        {"type": "tool_use", "id": f"{turn}-{place}", "name": use.tool, "input": use.arguments}
        for place, use in enumerate(uses, 1)
    ]
    return {"role": "assistant", "content": content}


def _pods(workload: str) -> Use:
    return Use(PODS, "workload_name", workload)


EVENTS_SEEN = Use(EVENTS, "namespace", "boutique")


def _diagnosed() -> Sample:
    summary = "cartservice-error: Threshold Crossed: 1 datapoint [14.0] was greater than 0.0"
    sample = worked(
        opened("inc-8d41f0b", "cartservice", summary=summary),
        (_pods("cartservice"), EVENTS_SEEN, Use(POINTS, "metric", "cartserviceErrorCount")),
        (
            Use(LOGS, "pod", "cartservice-7c9f6d5b84-x2k4q"),
            Use(LOGS, "pod", "redis-cart-58d6c7f9b4-n7t4w"),
        ),
        (Use(FILE, "path", CART_STORE, more=("ref", REVISION)), Use(COMMITS, "path", CART_STORE)),
        (),
        dollars=0.0842,
    )
    return ended(sample, "diagnosed", seconds=94.2, diagnosis=LOAFERS)


def _healthy() -> Sample:
    summary = "frontend-error: Threshold Crossed: 1 datapoint [5.0] was greater than 0.0"
    sample = worked(
        opened("inc-5c1be07", "frontend", summary=summary, severity="warning"),
        (Use(POINTS, "metric", "frontendErrorCount"), EVENTS_SEEN),
        (
            _pods("checkoutservice"),
            Use(LOGS, "pod", "frontend-6f7c8d9b54-r4n7s"),
            Use(LOGS, "pod", "checkoutservice-5b6f9d7c48-b7n2k"),
        ),
        (),
        dollars=0.0577,
    )
    return ended(sample, "diagnosed", seconds=61.8, diagnosis=CHECKOUT)


def _inconclusive() -> Sample:
    summary = "shippingservice-error: Threshold Crossed: 1 datapoint [2.0] was greater than 0.0"
    denied = "the Kubernetes API said 403: pods/log"
    sample = worked(
        opened("inc-77e0d3a", "shippingservice", summary=summary),
        (
            _pods("shippingservice"),
            EVENTS_SEEN,
            Use(LOGS, "pod", "shippingservice-9b7f6d5c84-v8k2p", without=denied),
        ),
        (
            Use(SEARCH, "log_group", "/boutique/checkoutservice"),
            Use(COMMITS, "path", "src/shippingservice"),
        ),
        (Use(FILE, "path", "src/shippingservice/quote.go"),),
        (),
        dollars=0.0911,
    )
    return ended(sample, "inconclusive", seconds=118.4, diagnosis=SHIPPING)


def _timed_out() -> Sample:
    summary = "recommendationservice-error: Threshold Crossed: 1 datapoint [10.0]"
    sample = worked(
        opened("inc-2f9ac41", "recommendationservice", summary=summary),
        (_pods("recommendationservice"), EVENTS_SEEN),
        (Use(LOGS, "pod", "recommendationservice-5f9c8b7d64-g2m9d"),),
        (
            Use(SEARCH, "log_group", "/boutique/productcatalogservice", without=LATE),
            Use(POINTS, "metric", "productcatalogserviceLatency", without=LATE),
        ),
        dollars=0.0734,
        says="recommendationservice times out waiting for productcatalogservice. Next I want to"
        " see whether the catalogue itself got slower, or only the way to it.",
    )
    joined = Update(kind="joined", text="another alarm of the same problem: frontend-latency-p95")
    more = {"concluding": "deadline", "updates": (joined,), "updates_shown": 1, "turn": 4}
    sample = ended(sample, "timed_out", seconds=300.0, **more)
    return replace(sample, activity=f"searching logs: {SEARCH}")


def _out_of_budget() -> Sample:
    summary = "adservice-restarts: Threshold Crossed: 1 datapoint [54.0] was greater than 50.0"
    sample = worked(
        opened("inc-b90e6d2", "adservice", summary=summary),
        (_pods("adservice"), EVENTS_SEEN),
        (Use(LOGS, "pod", "adservice-6d8b5c7f94-q7w2m"),),
        (
            Use(WORKLOAD, "name", "adservice", more=("kind", "Deployment")),
            Use(FILE, "path", "src/adservice/Dockerfile"),
        ),
        dollars=0.4987,
        says="The container was killed with exit code 137. Next I want to compare its memory limit"
        " with what the JVM is told to use.",
    )
    more = {"concluding": "dollars", "reason": "limit reached: dollars", "turn": 4}
    return replace(ended(sample, "out_of_budget", seconds=142.0, **more), activity="concluding")


def _cancelled() -> Sample:
    summary = "paymentservice-pending: Threshold Crossed: 1 datapoint [5.0]"
    sample = worked(
        opened("inc-e1437c8", "paymentservice", summary=summary, severity="warning"),
        (
            _pods("paymentservice"),
            EVENTS_SEEN,
            Use(COMMITS, "path", "src/paymentservice", without=GONE),
        ),
        dollars=0.0126,
        says="A new pod cannot pull its image; the old one still serves.",
    )
    sample = ended(sample, "cancelled", seconds=23.5, reason="stopped by Ada in Slack")
    return replace(sample, activity=f"listing commits: {COMMITS}")


def _recovered() -> Sample:
    summary = "checkoutservice-error: Threshold Crossed: 1 datapoint [3.0] was greater than 0.0"
    sample = worked(
        opened("inc-0a7d5f6", "checkoutservice", summary=summary),
        (_pods("checkoutservice"), EVENTS_SEEN),
        (Use(LOGS, "pod", "checkoutservice-5b6f9d7c48-m8z5t", without=GONE),),
        dollars=0.0241,
    )
    reason = "checkoutservice-error went back to OK"
    sample = ended(sample, "recovered", seconds=47.0, reason=reason)
    return replace(sample, activity=f"reading logs: {LOGS}")


def _failed() -> Sample:
    summary = "No confirmation is sent to shoppers"
    record = opened("inc-c36b812", "emailservice", summary=summary, severity="critical")
    said = "the model API refused: 401 authentication_error: invalid x-api-key"
    return ended(Sample(record=record), "failed", seconds=3.1, reason=said)


def _live() -> Sample:
    sample = worked(
        opened("inc-8d41f0b", "cartservice", summary="HTTP 500 on checkout"),
        (_pods("cartservice"), EVENTS_SEEN),
        (Use(LOGS, "pod", "cartservice-7c9f6d5b84-x2k4q"),),
        dollars=0.0313,
    )
    now = sample.record.opened_at + timedelta(seconds=38)
    return replace(sample, activity=f"reading logs: {LOGS}", now=now)


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
