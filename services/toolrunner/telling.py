"""What a tool call's span and the metrics say of the decision about it and of its outcome."""

from opentelemetry.trace import Span, Status, StatusCode

from bus import metrics
from services.toolrunner.judging import Judged
from services.toolrunner.tool_call import Answer


def tell_decision(judged: Judged, span: Span) -> None:
    """The span says what was decided, by which rules of which policy."""
    decision = judged.decision
    span.set_attribute("nightshift.policy.decision", decision.verdict)
    span.set_attribute("nightshift.policy.reason", decision.reason[:500])
    span.set_attribute("nightshift.policy.rules", list(decision.rules))
    span.set_attribute("nightshift.policy.sha256", decision.policy_sha256)
    span.set_attribute("nightshift.policy.mode", decision.mode)


def tell_outcome(judged: Judged, answer: Answer, *, span: Span) -> None:
    """Span and metrics say what became of the call."""
    span.set_attribute("nightshift.outcome", answer.outcome)
    if not answer.ok:
        span.set_attribute("error.type", f"tool_{answer.outcome}")
        span.set_status(Status(StatusCode.ERROR, answer.outcome))
    # A name that the model made up is no label: it would make a new series each time.
    tool = judged.tool if judged.offered else "unknown"
    metrics.DECISIONS.add(1, {"verdict": judged.decision.verdict, "tool": tool})
    metrics.TOOL_CALLS.add(1, {"tool": tool, "outcome": answer.outcome})
