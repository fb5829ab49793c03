"""You will see diagnoses become tickets elsewhere, each once, though their writer crashes.

    .venv/bin/python examples/02_follow_diagnoses.py

A consumer group of your own reads a stream beside Nightshift's groups. What it has not acknowledged
comes again, and is kept as long: destroy a group that nobody reads with any more.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from laptop import NO_INGEST, laptop, nightshift, open_incident, say
from redis import Redis

from cli.stack import Plan

STREAM, GROUP, CONSUMER = "nightshift:diagnoses", "tickets", "ticket-writer-1"
MINE, NEW = "0", ">"  # what this consumer has not acknowledged; what nobody has read


def read(redis: "Redis", which: str) -> Iterator[tuple[str, str]]:
    """Entry and incident of each diagnosis; waits up to half a second for new ones."""
    rows: Any = redis.xreadgroup(GROUP, CONSUMER, {STREAM: which}, block=500)
    for entry_id, fields in rows[0][1] if rows else ():
        yield entry_id, json.loads(fields["data"])["investigation_id"]


def ticket(incident: str, redis_url: str) -> str:
    """The entry says which and how it ended; `nightshift show` knows all about it."""
    story = json.loads(nightshift("show", incident, "--json", redis_url=redis_url).stdout)
    return f"{incident} {story['service']}: {story['diagnosis']['root_cause'][:60]}…"


def main() -> None:
    """Two incidents, and a writer that dies after its first ticket, before it acknowledges."""
    tickets: dict[str, str] = {}  # by incident, so that none gets two
    with laptop(Plan(scenario="cart-loafers", services=NO_INGEST)) as stack:
        redis = Redis.from_url(stack.redis_url, decode_responses=True, protocol=2)
        redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        opened = [open_incident(redis) for _ in range(2)]
        stack.wait("both diagnoses", lambda: redis.xlen(STREAM) == len(opened))
        _, first = next(read(redis, NEW))
        tickets[first] = ticket(first, stack.redis_url)
        say(f"{first} gets a ticket, and the writer crashes before it acknowledges")
        for entry_id, incident in [*read(redis, MINE), *read(redis, NEW)]:
            say(f"{incident} {'comes again' if incident in tickets else 'gets a ticket'}")
            tickets[incident] = tickets.get(incident) or ticket(incident, stack.redis_url)
            redis.xack(STREAM, GROUP, entry_id)
        left = redis.xpending(STREAM, GROUP)["pending"]
    print(*tickets.values(), sep="\n")
    if sorted(tickets) != sorted(opened) or left:
        sys.exit(f"not as expected: {len(tickets)} tickets, {left} entries not acknowledged")
    say("2 incidents, 2 tickets, nothing left to acknowledge")


if __name__ == "__main__":
    main()
