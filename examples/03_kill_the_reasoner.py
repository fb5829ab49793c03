"""You will see a reasoner killed in the middle of a turn, and the investigation go on without it.

    .venv/bin/python examples/03_kill_the_reasoner.py

Two reasoners run; the one that holds turn 2 is killed, as by `kill -9`. What it was doing is lost,
the turn is not: its entry is pending in Redis, and goes to the other one when the lease is over.
"""

import json
import sys
import time
from typing import Any

from laptop import NO_INGEST, laptop, open_incident, outcome_of, say
from redis import Redis

from cli.stack import Plan, call

TURNS, GROUP = "nightshift:turns", "reasoner"
LEASE = {"NIGHTSHIFT_LEASE_SECONDS": "2"}  # unless set 30, which is long to look at


def held(redis: "Redis") -> tuple[int, str]:
    """The turn that somebody works on, and who: XPENDING tells it of every stream and group."""
    for row in redis.xpending_range(TURNS, GROUP, "-", "+", 1):
        rows: Any = redis.xrange(TURNS, row["message_id"], row["message_id"])
        return json.loads(rows[0][1]["data"])["turn"], str(row["consumer"])
    return 0, ""


def main() -> None:
    """One incident, two reasoners, one kill."""
    plan = Plan(
        scenario="cart-loafers", services=NO_INGEST, reasoners=2, model_seconds=1, settings=LEASE
    )
    with laptop(plan) as stack, Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        incident = open_incident(redis)
        stack.wait("turn 2", lambda: held(redis)[0] == 2)
        victim = held(redis)[1]
        (part,) = [part for part in stack.parts if part.name == victim]
        stack.parts.remove(part)  # else the stack would say that a part ended by itself
        part.process.kill()
        part.process.wait()
        killed = time.monotonic()
        say(f"killed {victim}, which held turn 2")
        (other,) = [part.name for part in stack.parts if "reasoner" in part.name]
        stack.wait("a takeover", lambda: held(redis) == (2, other))
        say(f"{other} took turn 2 over after {time.monotonic() - killed:.1f} s")
        outcome = outcome_of(stack, incident)
        rows: Any = redis.xrange(TURNS)
        turns = [json.loads(due["data"])["turn"] for _, due in rows]
        said = call(f"{stack.control}/_simulator/messages")["messages"]
    messages = [message for message in said if not message["thread_ts"]]
    if outcome != "diagnosed" or turns != [1, 2, 3, 4] or len(messages) != 1:
        sys.exit(f"not as expected: {outcome}, turns {turns}, {len(messages)} messages")
    say(f"{outcome}: turns {turns}, each once, and one message in Slack")


if __name__ == "__main__":
    main()
