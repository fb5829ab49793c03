"""Which Redis a command talks to: REDIS_URL, else the one of a running `nightshift up`."""

import json
import os
from pathlib import Path

from redis import Redis

from bus.settings import BusSettings
from bus.streams import Keys

DEFAULT_URL = "redis://127.0.0.1:6379/0"


def running() -> dict[str, str]:
    """The addresses of the `nightshift up` that was started in this folder; empty without one."""
    state = Path(".nightshift/up.json")
    if not state.exists():
        return {}
    found: dict[str, str] = json.loads(state.read_text(encoding="utf-8"))
    return found


def redis_url() -> str:
    """The address of the Redis to use."""
    return os.environ.get("REDIS_URL") or running().get("redis_url") or DEFAULT_URL


def shown_url() -> str:
    """The same for people, without its password."""
    return redis_url().rpartition("@")[2]


def connect() -> Redis:
    """A connection to it; raises ValueError for an address that is none."""
    return Redis.from_url(redis_url(), socket_timeout=5, socket_connect_timeout=5)


def keys() -> Keys:
    """The names of all keys there."""
    default: str = BusSettings.model_fields["stream_prefix"].default
    return Keys(os.environ.get("NIGHTSHIFT_STREAM_PREFIX") or default)
