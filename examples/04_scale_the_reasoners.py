"""You will see reasoners scaled from one to three, and which of them ran which turn.

    .venv/bin/python examples/04_scale_the_reasoners.py

A reasoner keeps nothing between two turns, so an investigation wanders from one to another. Each
does one thing at a time here, and would do 200 unless told: a turn is mostly waiting for a model.
"""

import sys
import time

from laptop import NO_INGEST, laptop, open_incident, say
from redis import Redis

from cli.stack import Plan, Stack, service_environment

TURNS, GROUP, MODULE = "nightshift:turns", "reasoner", "services.reasoner"


def scale(stack: Stack, *replicas: str) -> None:
    """These work beside the one that works already; nobody has to be told."""
    for name in replicas:
        stack.start(name, MODULE, env=service_environment(stack, GROUP, replica=name))
    logs = [part.log for part in stack.parts[-len(replicas) :]]
    stack.wait("their start", lambda: all("started" in log.read_text() for log in logs), seconds=60)


def work(stack: Stack, redis: "Redis") -> int:
    """Open four incidents at once and print who ran their turns; by how many they were run."""
    began, ran = time.monotonic(), dict[str, str]()
    opened = [open_incident(redis) for _ in range(4)]

    def all_ran() -> bool:
        for row in redis.xpending_range(TURNS, GROUP, "-", "+", 20):  # who holds what
            ran[str(row["message_id"])] = str(row["consumer"])
        return len(ran) == 4 * len(opened)

    stack.wait("the last turn", all_ran)
    say(f"four incidents took {time.monotonic() - began:.1f} s; who ran turns 1 to 4:")
    turns = redis.xrange(TURNS, min(ran)) or []
    for incident in opened:
        print("   ", incident, *(ran[str(entry)] for entry, due in turns if incident in str(due)))
    return len(set(ran.values()))


def main() -> None:
    """The same work for one reasoner, then for three."""
    one = {"NIGHTSHIFT_MAX_WORKERS": "1"}
    with laptop(Plan(scenario="cart-loafers", services=NO_INGEST, settings=one)) as stack:
        redis = Redis.from_url(stack.redis_url, decode_responses=True)
        first = work(stack, redis)
        scale(stack, "reasoner-2", "reasoner-3")
        then = work(stack, redis)
    if (first, then) != (1, 3):
        sys.exit(f"not as expected: {first} reasoners ran turns, then {then}")
    say("one reasoner ran every turn, then three shared them")


if __name__ == "__main__":
    main()
