"""What the span of a tool call says of the decision about it and of its outcome."""

from opentelemetry.trace import Span, Status, StatusCode

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


def tell_outcome(answer: Answer, span: Span) -> None:
    """The span says what became of the call."""
    span.set_attribute("nightshift.outcome", answer.outcome)
    if not answer.ok:
        span.set_attribute("error.type", f"tool_{answer.outcome}")
        span.set_status(Status(StatusCode.ERROR, answer.outcome))
