"""`nightshift demo`.

An alarm about Online Boutique becomes a diagnosis in Slack, before your eyes.
"""

import os
from typing import Annotated, Literal

import typer

from cli.clock import Clock, interrupt_on_signals
from cli.scenarios import SCENARIO


def demo(
    scenario: Annotated[str, typer.Argument(help=SCENARIO)] = "cart-loafers",
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
    from simulator.scenario import ScenarioError, load_scenario

    os.environ.setdefault("NIGHTSHIFT_FINAL_REPEAT_SECONDS", "1")
    try:
        meant = load_scenario(scenario).expected.outcome
        outcome = run_once(scenario, form=form, say=say)
    except (ScenarioError, StackFailed, NoRedis, RedisError) as error:
        typer.echo(f"nightshift demo: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from None
    # The script must end as the scenario says; Claude may say honestly that it found no cause.
    expected = (meant,) if scripted else ("diagnosed", "inconclusive")
    say("done" if outcome in expected else f"not as expected: {outcome or 'no outcome'}")
    raise typer.Exit(0 if outcome in expected else 1)
