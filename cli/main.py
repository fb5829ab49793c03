"""`nightshift`: try it, run it on a laptop, publish an incident, look after dead letters."""

import typer

from cli import dead_letters
from cli.demo import demo
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
app.add_typer(dead_letters.app, name="dead-letters")

if __name__ == "__main__":
    app()
