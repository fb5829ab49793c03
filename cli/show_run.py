"""One incident from alarm to card, printed as it happens; then the card and the trace."""

import time
from typing import Any
from urllib.error import HTTPError

import typer
from redis import Redis

from bus.tracing import root_of
from cli import where
from cli.columns import rule, wrapped
from cli.follow import Follower, Happening, line_of
from cli.reaching import client
from cli.stack import Plan, Say, Stack, call, running_stack
from cli.traces.span import Span
from cli.traces.waterfall import waterfall
from simulator.slack import render_message

LONGEST_SECONDS = 330.0


def run_once(scenario: str, *, form: str, say: Say) -> str:
    """The outcome, once everything a person wants to see was printed; empty when none came."""
    with running_stack(Plan(scenario=scenario), say) as stack:
        redis = client(stack.redis_url, decoded=True, seconds=None)
        follower = Follower(redis, where.keys().prefix)
        call(f"{stack.control}/_simulator/fire-alarm", {"form": form})
        say(f"CloudWatch alarm fired ({form})")
        fired = time.monotonic()
        stopped = _follow(stack, follower, say=say)
        if stopped is None:
            return ""
        say(f"alarm to final card: {time.monotonic() - fired:.1f} s")
        _print_card(stack, stopped)
        _print_thread(stack, stopped, redis=redis)
        _print_trace(stack, stopped)
        redis.close()
        return str(stopped.values.get("outcome"))


def _follow(stack: Stack, follower: Follower, *, say: Say) -> Happening | None:
    give_up_at = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < give_up_at:
        for happening in follower.read():
            say(line_of(happening))
            if happening.event == "InvestigationStopped":
                return happening
        stack.check()
    return None


def _print_card(stack: Stack, stopped: Happening) -> None:
    messages = call(f"{stack.control}/_simulator/messages")["messages"]
    for message in messages:
        if message["ts"] == stopped.values.get("ts"):
            typer.echo("\n" + rule(f"Slack, {stopped.values.get('channel')}"))
            typer.echo(wrapped(render_message(message), hang=2))


def _print_thread(stack: Stack, stopped: Happening, *, redis: "Redis") -> None:
    give_up_at = time.monotonic() + 6
    owed = f"{where.keys().prefix}details"
    while redis.zscore(owed, stopped.incident) is not None and time.monotonic() < give_up_at:
        time.sleep(0.1)
    messages = call(f"{stack.control}/_simulator/messages")["messages"]
    for message in messages:
        if message.get("thread_ts") == stopped.values.get("ts"):
            typer.echo(f"in its thread: {_named(message)}")
    typer.echo(rule())


def _named(message: dict[str, Any]) -> str:
    for file in message["files"]:
        return f"{file['title']} ({file['name']}, {len(file['content']):,} characters)"
    return f"{message['text']} ({len(render_message(message)):,} characters)"


def _print_trace(stack: Stack, stopped: Happening) -> None:
    root = root_of(stopped.incident)
    url = f"{stack.control}/_simulator/traces/{root.trace_id}"
    services = {"ingest", "reasoner", "toolrunner", "notifier"}
    spans = _spans(url)
    give_up_at = time.monotonic() + 6
    while time.monotonic() < give_up_at:
        has_root = any(span.span_id == root.span_id for span in spans)
        ids = {span.span_id for span in spans}
        whole = all(span.parent_id in ids for span in spans if span.parent_id)
        if whole and has_root and services <= {span.service for span in spans}:
            break
        time.sleep(0.2)
        spans = _spans(url)
    typer.echo("\n" + rule(f"trace {root.trace_id}"))
    typer.echo(waterfall(spans))


def _spans(url: str) -> list[Span]:
    try:
        return [Span(**span) for span in call(url)["spans"]]
    except HTTPError:
        return []
