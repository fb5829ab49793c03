"""You will see Slack refuse a message, then lose an answer, and still exactly one message stand.

    .venv/bin/python examples/06_slack_has_a_bad_night.py

The simulator does what is asked of it at its control address: docs/simulator.md lists every fault.
Of the services only the notifier runs. Nobody investigates, so at the deadline, which is 5 s here,
it says so in the message: a team is never left without an answer.
"""

import sys

from laptop import laptop, open_incident, outcome_of, say
from redis import Redis

from cli.stack import Plan, call
from simulator.slack import render_message

POST = {"stand_in": "slack", "where": "chat.postMessage"}
FAULTS = [
    POST | {"fault": "rate_limited", "seconds": 1},  # the first post: 429, try again in a second
    POST | {"fault": "accepted_dropped"},  # the second: it stands, but nobody hears that it does
]


def main() -> None:
    """One incident, two faults."""
    settings = {"NIGHTSHIFT_DEADLINE_SECONDS": "5"}
    plan = Plan(scenario="cart-loafers", services=("notifier",), settings=settings)
    with laptop(plan) as stack, Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        call(f"{stack.control}/_simulator/faults", FAULTS)
        outcome = outcome_of(stack, open_incident(redis))
        asked = call(f"{stack.control}/_simulator/requests?stand_in=slack")["requests"]
        said = call(f"{stack.control}/_simulator/messages")["messages"]
    asked = [request for request in asked if "thread_ts" not in request]
    messages = [message for message in said if not message["thread_ts"]]
    for request in asked:
        say(f"{request['request']:<32} {request.get('fault') or request['status']}")
    for message in messages:
        print(render_message(message))
    struck = [request["fault"] for request in asked if request.get("fault")]
    if len(struck) != len(FAULTS) or len(messages) != 1:
        sys.exit(f"not as expected: struck by {struck}, {len(messages)} messages")
    say(f"{outcome}: two faults, one message")


if __name__ == "__main__":
    main()
