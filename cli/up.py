"""`nightshift up`: everything on this machine until Ctrl-C."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.clock import Clock, interrupt_on_signals

if TYPE_CHECKING:
    from cli.stack import Stack

STATE = Path(".nightshift")


def up(
    scenario: Annotated[
        str, typer.Argument(help="What is wrong in the simulated world.")
    ] = "cart-loafers",
    *,
    reasoners: Annotated[int, typer.Option(min=1, max=32, help="Reasoner processes.")] = 1,
    model_seconds: Annotated[float, typer.Option(min=0, help="Time of a scripted reply.")] = 0.4,
) -> None:
    """Run Redis, the four services and the simulated outside world until Ctrl-C.

    Listens on loopback only. Redis takes port 6379 when it is free. Settings such as
    NIGHTSHIFT_DEADLINE_SECONDS are passed on; REDIS_URL is used when given.
    """
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
    except (StackFailed, NoRedis) as error:
        typer.echo(f"nightshift up: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        (STATE / "up.json").unlink(missing_ok=True)


def _tell(stack: "Stack") -> None:
    redis_url, control, folder = stack.redis_url, stack.control, str(stack.folder)
    STATE.mkdir(exist_ok=True)
    state = {"redis_url": redis_url, "control": control, "logs": folder, "process": os.getpid()}
    (STATE / "up.json").write_text(json.dumps(state), encoding="utf-8")
    port = redis_url.rpartition(":")[2].split("/")[0]
    at = "" if port == "6379" else f" -p {port}"
    text = '{"service":"cartservice","summary":"HTTP 500 on checkout"}'
    typer.echo(
        f"""
Everything is up.
  REDIS_URL={redis_url}
  logs of every process: {folder}
  what Slack shows:      {control}/_simulator/messages
Open an incident in another terminal:
  redis-cli{at} XADD nightshift:incidents '*' data '{text}'
  nightshift publish --service cartservice --summary "HTTP 500 on checkout"
  nightshift publish --alarm sns
Ctrl-C stops everything."""
    )
