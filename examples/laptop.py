"""What the examples share: everything on this machine, and one sentence when something is off."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from subprocess import PIPE, CompletedProcess, run
from typing import Any

from redis import Redis, RedisError

from bus.connection import as_text
from cli.clock import Clock, interrupt_on_signals
from cli.stack import Plan, Stack, StackFailed, clean_environment, running_stack
from simulator.redis_server import NoRedis

NO_INGEST = ("reasoner", "toolrunner", "notifier")
QUICK = {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1", "NIGHTSHIFT_DRAIN_SECONDS": "1"}
say = Clock().say


@contextmanager
def laptop(plan: Plan) -> Iterator[Stack]:
    """What is planned runs inside the block, whatever this shell has set; nothing is left of it."""
    for name in [name for name in os.environ if name.startswith("NIGHTSHIFT_")]:
        del os.environ[name]
    plan = replace(plan, own_redis=True, real_model=False, settings=QUICK | dict(plan.settings))
    interrupt_on_signals()
    try:
        with running_stack(plan, say) as stack:
            yield stack
    except (StackFailed, NoRedis, RedisError, OSError, KeyboardInterrupt) as error:
        sys.exit(f"{sys.argv[0]}: {str(error) or 'interrupted'}")


def open_incident(redis: "Redis") -> str:
    """The id of an incident that is opened here, as 01_open_an_incident.py shows."""
    text = '{"service": "cartservice", "summary": "HTTP 500 on checkout"}'
    return "inc-" + as_text(redis.xadd("nightshift:incidents", {"data": text}))


def outcome_of(stack: Stack, incident: str) -> str:
    """How the incident ended, once its stop signal says that the final card stands in Slack."""
    redis: Any = Redis.from_url(stack.redis_url, decode_responses=True)

    def found() -> list[str]:
        stops = [fields for _, fields in redis.xrange("nightshift:stops")]
        ended = [stop["data"] for stop in stops if stop["event"] == "InvestigationStopped"]
        return [json.loads(text)["outcome"] for text in ended if incident in text]

    stack.wait(f"the end of {incident}", lambda: bool(found()))
    return found()[0]


def nightshift(*words: str, redis_url: str = "", **settings: str) -> "CompletedProcess[str]":
    """How `nightshift` ended, with what it printed; what it says on stderr is seen at once."""
    env = clean_environment() | ({"REDIS_URL": redis_url} if redis_url else {}) | settings
    return run([f"{sys.prefix}/bin/nightshift", *words], env=env, stdout=PIPE, text=True)
