"""You will see one incident's spans as one tree: from the alarm over every service to Slack.

    .venv/bin/python examples/09_read_a_trace.py

Services send spans to any OTLP endpoint, such as Jaeger; here the simulator takes them. The ids of
trace and root follow from the incident's id, so each replica and each retry hangs its spans there.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from laptop import laptop, nightshift, outcome_of, say
from redis import Redis

from cli.stack import JsonObject, Plan, call

SERVICES = {"ingest", "reasoner", "toolrunner", "notifier"}


def tree(spans: list[JsonObject], parent: str = "", *, depth: int = 0) -> Iterator[str]:
    """A line for each span that hangs under that one, however deep."""
    for span in spans:
        if span["parent_id"] == parent:
            took = (span["end_ns"] - span["start_ns"]) / 1e6
            yield f"{took:7.0f} ms  {'  ' * depth}{span['service']}: {span['name']}"
            yield from tree(spans, span["span_id"], depth=depth + 1)


def main() -> None:
    """One alarm, one trace."""
    with laptop(Plan(scenario="cart-loafers")) as stack, Redis.from_url(stack.redis_url) as redis:
        call(f"{stack.control}/_simulator/fire-alarm", {"form": "sns"})
        say("the alarm lies in the queue, as CloudWatch sends it over SNS")
        stack.wait("an incident", lambda: redis.xlen("nightshift:incidents"))
        rows: Any = redis.xrange("nightshift:incidents")
        incident = json.loads(rows[0][1][b"data"])["incident_id"]
        say(f"{incident}: {outcome_of(stack, incident)}")
        shown = nightshift("show", incident, "--json", redis_url=stack.redis_url)
        trace = f"{stack.control}/_simulator/traces/{json.loads(shown.stdout)['trace_id']}"

        def is_whole() -> bool:
            spans = call(trace)["spans"]
            is_one_tree = len(list(tree(spans))) == len(spans)
            return is_one_tree and {span["service"] for span in spans} >= SERVICES

        stack.wait("the whole trace", is_whole)
        spans = call(trace)["spans"]
    print(*tree(spans), sep="\n")
    roots = [span["name"] for span in spans if not span["parent_id"]]
    if len(roots) != 1:
        sys.exit(f"not as expected: the roots are {roots}")
    say(f"{len(spans)} spans hang under one root, {roots[0]!r}")


if __name__ == "__main__":
    main()
