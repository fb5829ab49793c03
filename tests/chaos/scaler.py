"""What KEDA does with a `ScaledObject` of redis-streams triggers, done to a fleet.

The triggers are read from the manifests and asked of Redis as KEDA asks them: the lag of a group
(`XINFO GROUPS`), or what is pending (`XPENDING`). One that counts more than its activation wakes
the first replica; the autoscaler then wants, of all triggers, the most that `count / target` comes
to, rounded up. When none has counted for the cooldown, the last replica goes. Times are shorter
than the manifests' and said where the scaler is made.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from redis import Redis

from bus.connection import as_text
from cli.stack import ROOT

COMPONENT = ROOT / "deploy" / "k8s" / "components" / "keda-scaling"


@dataclass(frozen=True)
class Trigger:
    """One trigger of the manifests."""

    stream: str
    group: str
    by: str
    """`lag` or `pending`."""
    target: int

    def count(self, redis: "Redis") -> int:
        """What KEDA would be told. Raises LookupError where the group is missing."""
        if self.by == "pending":
            told: Any = redis.xpending(self.stream, self.group)
            return int(told["pending"])
        rows: Any = redis.xinfo_groups(self.stream)
        for row in rows:
            if as_text(row["name"]) == self.group:
                return int(row["lag"] or 0)
        raise LookupError(f"{self.stream} has no group {self.group}")


@dataclass(frozen=True)
class Scaled:
    """A `ScaledObject` of the manifests, as far as it is acted on here."""

    service: str
    least: int
    most: int
    triggers: tuple[Trigger, ...]

    @classmethod
    def of(cls, service: str) -> "Scaled":
        """As the component `keda-scaling` has it."""
        text = (COMPONENT / f"{service}.yaml").read_text(encoding="utf-8")
        spec = yaml.safe_load(text)["spec"]
        triggers = tuple(_trigger(each["metadata"]) for each in spec["triggers"])
        return cls(service, spec["minReplicaCount"], spec["maxReplicaCount"], triggers)

    def wanted(self, counts: Sequence[int]) -> int:
        """Replicas for these counts, one for each trigger; none where nothing counts."""
        most = max(
            math.ceil(count / trigger.target)
            for count, trigger in zip(counts, self.triggers, strict=True)
        )
        return min(most, self.most)


@dataclass
class Scaler:
    """Decides for one service, poll after poll, how many replicas there are to be."""

    scaled: Scaled
    cooldown_seconds: float
    """From the last count of any trigger until the last replica goes."""
    stable_seconds: float
    """How long fewer have to be wanted before one of several goes."""
    replicas: int = 0
    history: list[int] = field(default_factory=lambda: [0])
    """Every number of replicas that there was, in order."""
    counted: set[Trigger] = field(default_factory=set)
    """Triggers that counted while there was no replica: what woke it."""
    _counted_at: float = 0.0
    _enough_since: float = 0.0

    def poll(self, redis: "Redis") -> int:
        """How many replicas there are to be from now on."""
        counts = [trigger.count(redis) for trigger in self.scaled.triggers]
        now, wanted = time.monotonic(), self.scaled.wanted(counts)
        if wanted:
            self._counted_at = now
        if not self.replicas and wanted:
            pairs = zip(self.scaled.triggers, counts, strict=True)
            self.counted |= {trigger for trigger, count in pairs if count}
        if wanted >= self.replicas:
            self._enough_since = now
        self._set(self._next(wanted, now))
        return self.replicas

    def _next(self, wanted: int, now: float) -> int:
        if wanted > self.replicas:
            return wanted if self.replicas else 1
        if self.replicas > 1 and now - self._enough_since >= self.stable_seconds:
            self._enough_since = now
            return self.replicas - 1
        idle = now - self._counted_at >= self.cooldown_seconds
        return self.scaled.least if self.replicas == 1 and idle else self.replicas

    def _set(self, replicas: int) -> None:
        if replicas != self.replicas:
            self.history.append(replicas)
        self.replicas = replicas


def _trigger(told: Mapping[str, str]) -> Trigger:
    by, key = ("lag", "lagCount") if "lagCount" in told else ("pending", "pendingEntriesCount")
    return Trigger(told["stream"], told["consumerGroup"], by, int(told[key]))
