"""What Redis remembers beyond one investigation: conclusions, and when a prompt was used."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bus.connection import as_text
from bus.events import InvestigationId
from bus.streams import Keys
from services.reasoner.caching import HOUR_SECONDS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RedisMemory:
    """`history:<fingerprint>` (the notifier's), `rollouts` (the toolrunner's), `prompt:<hash>`."""

    redis: Redis
    keys: Keys

    async def earlier(self, fingerprint: str) -> Mapping[str, str]:
        """Facts as JSON by name; nothing without a fingerprint."""
        if not fingerprint:
            return {}
        found = await self.redis.hgetall(f"{self.keys.prefix}history:{fingerprint}")
        return {as_text(name): as_text(text) for name, text in found.items()}

    async def rollouts(self) -> Mapping[str, str]:
        """What the toolrunner keeps in `rollouts`; nothing where it cannot be read."""
        found = await self.redis.get(f"{self.keys.prefix}rollouts")
        try:
            kept = json.loads(as_text(found)) if found else {}
        except ValueError:
            return {}
        is_object = isinstance(kept, dict)
        return {str(name): str(text) for name, text in kept.items()} if is_object else {}

    async def used_within_hour(self, prompt: str, investigation_id: InvestigationId) -> bool:
        """Whether another investigation began with that prompt in the hour before this one did.

        The same answer again for the same investigation; this one is what the next is told.
        """
        digest = hashlib.sha256(prompt.encode()).hexdigest()[:32]
        key = f"{self.keys.prefix}prompt:{digest}"
        last = await self.redis.get(key)
        found, _, answer = as_text(last).partition(" ") if last else ("", "", "")
        if found == investigation_id:
            return answer == "yes"
        used = last is not None
        try:
            mine = f"{investigation_id} {'yes' if used else 'no'}"
            await self.redis.set(key, mine, ex=HOUR_SECONDS)
        except ResponseError as error:  # Redis is full: the prompt is held for 5 minutes
            log.warning("the use of a prompt was not noted: %s", error)
        return used
