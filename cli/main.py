"""`nightshift`: try it, run it on a laptop, publish an incident."""

import typer

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

if __name__ == "__main__":
    app()
