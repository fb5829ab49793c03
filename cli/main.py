"""`nightshift`: try it, run it, publish an incident, look after dead letters and Redis."""

import typer

from cli import dead_letters
from cli.demo import demo
from cli.init import init
from cli.publish import publish
from cli.up import up

app = typer.Typer(
    name="nightshift",
    help="Nightshift investigates alarms and answers in Slack with cause, evidence, fix and cost.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(up)
app.command()(publish)
app.command()(init)
app.add_typer(dead_letters.app, name="dead-letters")

if __name__ == "__main__":
    app()
