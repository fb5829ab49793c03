"""`nightshift init`: name a Redis, so that services refuse every other one."""

from typing import Annotated

import typer
from redis import Redis

from bus.connection import as_text
from bus.errors import NotConfigured
from bus.generation import new_generation
from bus.streams import Keys
from cli import where


def init(
    *,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Give it another name although it has one: every running service stops reading"
            " until it is restarted with the new name.",
        ),
    ] = False,
) -> None:
    """Name the Redis at REDIS_URL, and print the variable by which services know it.

    With NIGHTSHIFT_GENERATION set, a service refuses to start on a Redis without that name: one
    that came up empty is never taken for the real one. Reads REDIS_URL and
    NIGHTSHIFT_STREAM_PREFIX.
    """
    try:
        with where.redis() as redis:
            stands, is_new = name_store(redis, where.keys(), replace=replace)
    except NotConfigured as error:
        _fail(str(error))
    if not is_new:
        _fail(f"this Redis has the name {stands}: set NIGHTSHIFT_GENERATION={stands}, or --replace")
    typer.echo(f"NIGHTSHIFT_GENERATION={stands}")


def name_store(redis: "Redis", keys: Keys, *, replace: bool = False) -> tuple[str, bool]:
    """The generation of that Redis afterwards, and whether it is a new one."""
    key = keys.generation
    if as_text(redis.type(key)) not in ("none", "string"):
        raise NotConfigured(
            f"{key} holds no name but something else: look with `redis-cli TYPE {key}`, and rename"
            " it, or set NIGHTSHIFT_STREAM_PREFIX"
        )
    new = new_generation()
    is_new = bool(redis.set(key, new, nx=not replace))
    return as_text(redis.get(key)), is_new


def _fail(sentence: str) -> None:
    typer.echo(f"nightshift init: {sentence}", err=True)
    raise typer.Exit(1)
