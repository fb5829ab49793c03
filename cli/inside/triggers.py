"""What ingest decided about the triggers of an incident, as it keeps them: counts, and the last."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from bus.connection import as_text
from bus.envelope import text_fields
from bus.events import Value
from cli.inside.store import Store

COUNTED = "counted:"


class Decided(Value):
    """One decision with its reason, the newest first."""

    at: datetime
    outcome: str
    reason: str
    alarm: str = ""
    count: int = 1
    """How many triggers it was about: those that had waited are linked together."""


class Triggers(Value):
    """How many triggers became what, by outcome and reason, and the last decisions."""

    counts: dict[str, int] = Field(default_factory=dict)
    last: list[Decided] = Field(default_factory=list)


async def triggers_of(seen: Store, incident: str) -> Triggers:
    """Those of an incident; nothing for one that did not come through ingest."""
    prefix = f"{seen.keys.prefix}fingerprint:"
    raw: Any = await seen.redis.hgetall(f"{prefix}incident:{incident}")
    rows: Any = await seen.redis.lrange(f"{prefix}decisions:{incident}", 0, -1)
    counts = {
        name.removeprefix(COUNTED): int(number)
        for name, number in text_fields(raw).items()
        if name.startswith(COUNTED) and int(number)
    }
    return Triggers(counts=counts, last=[_decided(as_text(row)) for row in rows])


async def waiting(seen: Store) -> tuple[int, float, int]:
    """Problems in the backlog, seconds that the oldest waits, and places that are taken."""
    prefix = seen.keys.prefix
    now = (await seen.investigations.now()).timestamp()
    names: Any = await seen.redis.zrange(f"{prefix}backlog", 0, -1)
    since = [
        await seen.redis.hget(f"{prefix}fingerprint:problem:{as_text(name)}", "at")
        for name in names
    ]
    oldest = min((int(at) / 1000 for at in since if at), default=now)
    taken = int(await seen.redis.zcount(f"{prefix}places", now, "+inf"))
    return len(names), max(0.0, now - oldest), taken


def _decided(text: str) -> Decided:
    known = json.loads(text)
    at = datetime.fromtimestamp(known.pop("at") / 1000, UTC)
    return Decided.model_validate({**known, "at": at}, extra="ignore")
