"""Two hashes of an alarm: is it the same problem, and is it news? Pure."""

import hashlib
import json

from bus.events import Alarm


def fingerprint(alarm: Alarm, service: str) -> str:
    """The same for two alarms of the same problem: account, region, alarm and service."""
    return _hash([alarm.account, alarm.region, alarm.name, service])


def content_hash(alarm: Alarm, state: str) -> str:
    """The same for two deliveries of one state change, whatever wrapped them on their way."""
    return _hash([state, alarm.model_dump(mode="json")])


def body_hash(body: str) -> str:
    """The same for two deliveries of a body that cannot be read."""
    return _hash(["body", body])


def _hash(parts: list[object]) -> str:
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
