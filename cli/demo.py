"""`nightshift demo`.

An alarm about Online Boutique becomes a diagnosis in Slack, before your eyes.
"""

import os
from typing import Annotated, Literal

import typer

from cli.clock import Clock, interrupt_on_signals


def demo(
    scenario: Annotated[
        str, typer.Argument(help="Name of a scenario, or a .yaml file.")
    ] = "cart-loafers",
    form: Annotated[
        Literal["sns", "eventbridge"], typer.Option(help="How the alarm arrives.")
    ] = "sns",
) -> None:
    """Run the real four services against a simulated outside world, once, and show the whole loop.

    Needs no key and no cluster. With ANTHROPIC_API_KEY set, Claude answers instead of the script.
    """
    say = Clock().say
    interrupt_on_signals()
    say("Nightshift demo: one alarm in, one diagnosis in Slack")
    scripted = not os.environ.get("ANTHROPIC_API_KEY")
    answers = "a scripted model answers (no ANTHROPIC_API_KEY)" if scripted else "Claude answers"
    say(f"scenario {scenario}; {answers}")
    from redis.exceptions import RedisError

    from cli.show_run import run_once  # imported late: the first line must not wait for libraries
    from cli.stack import StackFailed
    from simulator.redis_server import NoRedis

    os.environ.setdefault("NIGHTSHIFT_FINAL_REPEAT_SECONDS", "1")
    try:
        outcome = run_once(scenario, form=form, say=say)
    except (StackFailed, NoRedis, RedisError) as error:
        typer.echo(f"nightshift demo: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from None
    # The script must find the cause; Claude may say honestly that it did not.
    expected = ("diagnosed",) if scripted else ("diagnosed", "inconclusive")
    say("done" if outcome in expected else f"no diagnosis: {outcome or 'no outcome'}")
    raise typer.Exit(0 if outcome in expected else 1)
