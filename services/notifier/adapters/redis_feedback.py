"""What people said of each investigation: its own hash, and a line in its problem's history."""

import json
from dataclasses import dataclass, field
from typing import Any, get_args

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.streams import Keys
from services.notifier.adapters.redis_memory import HISTORY_SECONDS, history_key
from services.notifier.adapters.redis_owing import script_text
from services.notifier.adapters.redis_places import one_of, sortable
from services.notifier.ports import Said


@dataclass
class RedisFeedback:
    """`<investigation>:feedback` by person, kept for 90 days; `feedback` lists those that have one.

    `nightshift feedback` and `nightshift show` read both.
    """

    redis: Redis
    keys: Keys
    _judge: AsyncScript = field(init=False)

    def __post_init__(self) -> None:
        self._judge = self.redis.register_script(script_text("judge"))

    async def keep(self, facts: dict[str, str], *, order: str) -> Said:
        """The judgement is kept, unless that person's later one is; `order` is the entry's id."""
        inv, person = facts["investigation_id"], facts["person"]
        own, problem = self.keys.of(inv, "feedback"), facts["fingerprint"]
        order = sortable(order)
        name = f"feedback:{inv}:{person}" if problem else ""
        answer: Any = await self._judge(
            keys=[own, f"{self.keys.prefix}feedback", history_key(self.keys, problem)],
            args=[
                *(person, json.dumps(facts | {"order": order}), order),
                *(facts["useful"], facts["reason"], inv, name, HISTORY_SECONDS),
            ],
        )
        word: Said = one_of(as_text(answer), get_args(Said))
        return word
