"""What must hold of an incident's trace, whatever happened to it."""

import json

from bus.conventions import ALLOWED
from bus.tracing import root_of
from cli.stack import call
from cli.traces.span import Span
from tests.loop.desk import Desk

SERVICES = {"reasoner", "toolrunner", "notifier", "toolrunner-servers"}
"""Ingest, too, where an alarm opened it."""
RESOURCE = {
    "service.name",
    "service.namespace",
    "service.instance.id",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
}


def check_trace(
    desk: Desk, incident: str, *, services: set[str], seconds: float = 20
) -> list[Span]:
    """Its spans: exactly one root, no orphan, all these services; and no trace of anything else."""
    root = root_of(incident)

    def whole() -> bool:
        spans = desk.spans(incident)
        ids = {span.span_id for span in spans}
        settled = all(span.parent_id in ids for span in spans if span.parent_id)
        return root.span_id in ids and settled and services <= {span.service for span in spans}

    desk.wait(f"the whole trace of {incident}", whole, seconds)
    spans = desk.spans(incident)
    ids = {span.span_id for span in spans}
    assert [span.name for span in spans if not span.parent_id] == ["investigation"]
    assert [span.name for span in spans if span.parent_id and span.parent_id not in ids] == []
    hops = [span for span in spans if span.name.startswith("process ")]
    assert {span.parent_id for span in hops} == {root.span_id}
    assert {span.attributes["nightshift.incident.id"] for span in hops} == {incident}
    check_no_other_trace(desk)
    return spans


def check_no_other_trace(desk: Desk) -> None:
    """Everything that was received belongs to an incident, each of which has one trace."""
    received = {trace["trace_id"] for trace in traces(desk)}
    assert received - {root_of(incident).trace_id for incident in desk.incidents()} == set()


def check_names(spans: list[Span]) -> None:
    """Nothing but listed names: in spans, events and resources."""
    names = {name for span in spans for name in span.attributes}
    names |= {name for span in spans for event in span.events for name in _of(event)}
    assert names - ALLOWED == set()
    assert {name for span in spans for name in span.resource} - RESOURCE == set()


def dump(desk: Desk) -> str:
    """Everything that was received: names, attributes, events, statuses, links, resources."""
    url = f"{desk.stack.control}/_simulator/traces"
    return "\n".join(json.dumps(call(f"{url}/{trace['trace_id']}")) for trace in traces(desk))


def traces(desk: Desk) -> list[dict[str, str]]:
    """What the receiver lists."""
    found: list[dict[str, str]] = call(f"{desk.stack.control}/_simulator/traces")["traces"]
    return found


def _of(event: dict[str, object]) -> dict[str, object]:
    attributes = event["attributes"]
    assert isinstance(attributes, dict)
    return attributes
