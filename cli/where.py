"""Which Redis a command talks to: REDIS_URL, else the one of a running `nightshift up`."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bus.connection import unusable
from bus.errors import NotConfigured
from bus.seals import OPERATOR, Seals, seals_of
from bus.settings import BusSettings, load
from bus.streams import Keys
from cli.reaching import client

STATE = Path(".nightshift/up.json")
"""What a `nightshift up` that was started in this folder says of itself."""


def running() -> dict[str, str]:
    """What the `nightshift up` of this folder says of itself; empty without one.

    Raises NotConfigured when that cannot be read.
    """
    try:
        found = json.loads(STATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    names = ("redis_url", "control")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in names):
        raise NotConfigured(
            f"{STATE} cannot be read, or is not whole: delete it, and start `nightshift up` again"
            " if it does not run"
        )
    return {name: str(value) for name, value in found.items()}


def announce(**facts: str) -> None:
    """Other commands in this folder find what runs here; raises NotConfigured when they cannot."""
    try:
        STATE.parent.mkdir(exist_ok=True)
        # Whole or not at all; the address may hold a password, so nobody else may read it.
        with tempfile.NamedTemporaryFile("w", dir=STATE.parent, delete=False) as file:
            json.dump(facts | {"process": str(os.getpid())}, file)
        Path(file.name).replace(STATE)
    except OSError as error:
        raise NotConfigured(
            f"{STATE} cannot be written: {error}; start in another folder"
        ) from None


def withdraw() -> None:
    """What this process announced is gone; another's stays."""
    try:
        is_ours = running().get("process") == str(os.getpid())
    except NotConfigured:
        return
    if is_ours:
        STATE.unlink(missing_ok=True)


def settings() -> BusSettings:
    """The same settings as a service has; raises NotConfigured with one sentence."""
    if not os.environ.get("REDIS_URL"):
        default: str = BusSettings.model_fields["redis_url"].default.get_secret_value()
        os.environ["REDIS_URL"] = running().get("redis_url") or default
    return load(BusSettings)


def shown_url() -> str:
    """Where that Redis is, for people: never its password."""
    return settings().address.shown


def keys() -> Keys:
    """The names of all keys there."""
    default: str = BusSettings.model_fields["stream_prefix"].default
    return Keys(os.environ.get("NIGHTSHIFT_STREAM_PREFIX") or default)


def seals() -> Seals:
    """What is signed there in the operator's name; raises NotConfigured."""
    found = settings()
    keys = found.envelope_keys.get_secret_value()
    return seals_of(OPERATOR, prefix=found.stream_prefix, mode=found.envelopes, keys=keys)


@contextmanager
def redis() -> Iterator[Redis]:
    """A connection to it; raises NotConfigured with one sentence when it cannot be used."""
    found = settings()
    try:
        with client(found.redis_url.get_secret_value()) as connection:
            yield connection
    except RedisError as error:
        raise unusable(found, error) from None
