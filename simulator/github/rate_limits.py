"""How many requests GitHub still allows: told with every answer, enforced when wanted."""

import time
from dataclasses import dataclass, field

from simulator.github.answers import Refused

_WINDOW_SECONDS = {"core": 3600, "graphql": 3600, "code_search": 60}
_LIMITS = {"core": 5000, "graphql": 5000, "code_search": 10}


@dataclass
class RateLimits:
    """Counts requests by GitHub's figures: 5000 an hour, 10 code searches a minute.

    Only with `enforced` is anything refused, so that many incidents can be played in one minute.
    """

    enforced: bool = False
    _used: dict[str, int] = field(default_factory=dict)
    _reset_at: dict[str, int] = field(default_factory=dict)

    def count(self, resource: str) -> None:
        """One more request of that kind was made. Raises Refused (403) when it is one too many."""
        now = int(time.time())
        if now >= self._reset_at.get(resource, 0):
            self._used[resource] = 0
            self._reset_at[resource] = now + _WINDOW_SECONDS[resource]
        self._used[resource] += 1
        if self.enforced and self._used[resource] > _LIMITS[resource]:
            raise Refused(403, "API rate limit exceeded for user ID 1.")

    def headers(self, resource: str) -> dict[str, str]:
        """What every answer says about the limit."""
        facts = self.facts(resource)
        return {f"x-ratelimit-{name}": str(value) for name, value in facts.items()}

    def facts(self, resource: str) -> dict[str, object]:
        """The limit, what is used and left of it, and when it starts anew, in Unix seconds."""
        used = min(self._used.get(resource, 0), _LIMITS[resource])
        reset = self._reset_at.get(resource, int(time.time()) + _WINDOW_SECONDS[resource])
        facts: dict[str, object] = {"limit": _LIMITS[resource], "used": used, "reset": reset}
        return facts | {"remaining": _LIMITS[resource] - used, "resource": resource}
