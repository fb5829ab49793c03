"""The span of a tool call: its id, and what it says of the decision and of the outcome."""

import hashlib

from opentelemetry.trace import Span, Status, StatusCode

from bus import conventions as names
from bus.events import ToolCallRequested
from services.toolrunner.judging import Judged
from services.toolrunner.tool_call import Answer


def span_id_of(call: ToolCallRequested) -> str:
    """The same whoever makes the call: what a server did for a replica that died hangs under it."""
    named = f"{call.investigation_id}/{call.tool_call_id}"
    return hashlib.sha256(named.encode()).digest()[:8].hex()


def attributes_of(call: ToolCallRequested, tool: str) -> dict[str, str]:
    """What it says from the start; neither arguments nor result, which may hold anything."""
    return {
        names.OPERATION: "execute_tool",
        names.TOOL: tool,
        names.TOOL_TYPE: "function",
        names.TOOL_CALL: call.tool_call_id,
        names.CONVERSATION: call.investigation_id,
        names.INCIDENT: call.investigation_id,
    }


def tell_decision(judged: Judged, span: Span) -> None:
    """The span says what was decided, by which rules of which policy."""
    decision = judged.decision
    span.set_attribute(names.DECISION, decision.verdict)
    span.set_attribute(names.REASON, decision.reason[:500])
    span.set_attribute(names.RULES, list(decision.rules))
    span.set_attribute(names.POLICY_SHA256, decision.policy_sha256)
    span.set_attribute(names.POLICY_MODE, decision.mode)


def tell_outcome(answer: Answer, span: Span) -> None:
    """The span says what became of the call."""
    span.set_attribute(names.OUTCOME, answer.outcome)
    if not answer.ok:
        span.set_attribute(names.ERROR_TYPE, f"tool_{answer.outcome}")
        span.set_status(Status(StatusCode.ERROR, answer.outcome))
