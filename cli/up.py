"""`nightshift up`: everything on this machine until Ctrl-C."""

import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from bus.streams import INCIDENTS
from cli.clock import Clock, interrupt_on_signals
from cli.scenarios import SCENARIO

if TYPE_CHECKING:
    from cli.stack import Stack


def up(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)] = "cart-loafers",
    *,
    reasoners: Annotated[int, typer.Option(min=1, max=32, help="Reasoner processes.")] = 1,
    model_seconds: Annotated[
        float, typer.Option(min=0, max=60, help="Time of a scripted reply.")
    ] = 0.4,
) -> None:
    """Run Redis, the four services and the simulated outside world until Ctrl-C.

    Listens on loopback only. Redis takes port 6379 when it is free. Settings such as
    NIGHTSHIFT_DEADLINE_SECONDS are passed on; REDIS_URL is used when given.
    """
    from bus.errors import NotConfigured
    from cli import where
    from cli.stack import Plan, StackFailed, running_stack
    from simulator.redis_server import NoRedis

    say = Clock().say

    interrupt_on_signals()
    say(f"starting; scenario {scenario}, {reasoners} reasoner{'s' if reasoners > 1 else ''}")
    try:
        plan = Plan(
            scenario=scenario, reasoners=reasoners, model_seconds=model_seconds, redis_port=6379
        )
        with running_stack(plan, say) as stack:
            _tell(stack)
            while True:
                stack.check()
                time.sleep(0.3)
    except KeyboardInterrupt:
        say("stopped; nothing is left running")
    except (StackFailed, NoRedis, NotConfigured) as error:
        typer.echo(f"nightshift up: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        where.withdraw()


def _tell(stack: "Stack") -> None:
    from cli import where
    from cli.publishing.doors import doors_told, write_doors

    control, folder = stack.control, str(stack.folder)
    urls = (part.ready_url for part in stack.parts if part.name == "ingest-1")
    ingest = next(urls, "").removesuffix("/readyz")
    where.announce(redis_url=stack.redis_url, control=control, logs=folder, ingest=ingest)
    redis_url = stack.redis_shown
    by_hand = "" if "+sentinel:" in redis_url else f"{_by_hand(redis_url)}\n"
    typer.echo(
        f"""
Everything is up.
  REDIS_URL={redis_url}
  logs of every process: {folder}
  what Slack shows:      {control}/_simulator/messages
Open an incident in another terminal:
{by_hand}  nightshift publish --service cartservice --summary "HTTP 500 on checkout"
Or tell ingest of a problem, as its real sender does (docs/triggers.md):
{doors_told(write_doors(stack), ingest)}
Ctrl-C stops everything."""
    )


def _by_hand(redis_url: str) -> str:
    """The command of Redis itself; with Sentinels one would have to ask them first."""
    from cli import where

    at = urlsplit(redis_url)
    host = "" if at.hostname == "127.0.0.1" else f" -h {at.hostname}"
    port = "" if at.port == 6379 else f" -p {at.port}"
    text = '{"service":"cartservice","summary":"HTTP 500 on checkout"}'
    return f"  redis-cli{host}{port} XADD {where.keys().stream(INCIDENTS)} '*' data '{text}'"
