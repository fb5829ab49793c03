"""You will see one incident go all the way: from one XADD to its card in Slack.

    .venv/bin/python examples/01_open_an_incident.py

Everything runs on this machine: a Redis, the services, and a simulated outside world in which the
cart of an online shop is broken. A scripted model answers. Nothing is left when it ends.
"""

import json
import sys

from laptop import NO_INGEST, laptop, say
from redis import Redis

from cli.stack import Plan, call
from simulator.slack import render_message

INCIDENT = {"service": "cartservice", "summary": "HTTP 500 on checkout"}


def main() -> None:
    """One incident, opened as any system could open it."""
    plan = Plan(scenario="cart-loafers", services=NO_INGEST)
    with laptop(plan) as stack, Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        # All that another system has to do. `docs/events.md` lists the fields that may be added.
        entry_id = redis.xadd("nightshift:incidents", {"data": json.dumps(INCIDENT)})
        incident = f"inc-{entry_id}"
        say(f"{incident} is open: {INCIDENT['summary']}")

        # The stop signal comes once per incident, when its final card stands in Slack.
        stop = {}

        def has_stopped() -> bool:
            for _, fields in redis.xrange("nightshift:stops"):
                if fields["event"] == "InvestigationStopped":
                    stop.update(json.loads(fields["data"]))
            return bool(stop)

        stack.wait("the stop signal", has_stopped)
        say(f"stop signal: {stop['outcome']}, the card is {stop['ts']} in {stop['channel']}")

        # What Slack got. In your own workspace you would look at the channel instead.
        said = call(f"{stack.control}/_simulator/messages")["messages"]
        messages = [message for message in said if not message["thread_ts"]]
        for message in messages:
            print(render_message(message))
    if stop["outcome"] != "diagnosed" or len(messages) != 1:
        sys.exit(f"not as expected: {stop['outcome']}, {len(messages)} messages")
    say("one XADD, one message: diagnosed")


if __name__ == "__main__":
    main()
