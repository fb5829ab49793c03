"""`nightshift`: try it, run it, publish an incident, see inside, look after Redis."""

import sys
from io import TextIOWrapper

import typer

from cli import audit, dead_letters, feedback, scenarios
from cli.demo import demo
from cli.doctor import command as doctor
from cli.envelope_keys import envelope_keys
from cli.eval import Options, evaluate
from cli.init import init
from cli.inside import show, watch
from cli.options import command
from cli.policy import command as policy
from cli.preview import command as preview
from cli.publishing.command import Options as PublishOptions
from cli.publishing.command import publish
from cli.redteam import Options as RedteamOptions
from cli.redteam import redteam
from cli.tools import command as tools
from cli.traces import command as trace
from cli.up import up
from cli.written import guard

app = typer.Typer(
    name="nightshift",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def nightshift() -> None:
    """Nightshift investigates alarms and answers in Slack with cause, evidence, fix and cost."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that lacks a character gets its number, and the command goes on.
            stream.reconfigure(errors="backslashreplace")


app.command()(demo)
app.command()(up)
app.command("publish")(command(PublishOptions, publish))
app.command()(init)
app.command("envelope-keys")(envelope_keys)
app.command("eval")(command(Options, evaluate))
app.command("redteam")(command(RedteamOptions, redteam))
app.command(epilog=watch.CODES)(watch.watch)
app.command(epilog=show.CODES)(show.show)
app.command(epilog=trace.CODES)(trace.trace)
app.command(epilog=feedback.CODES)(feedback.feedback)
app.command(epilog=preview.CODES)(preview.preview)
app.command(epilog=doctor.CODES)(doctor.doctor)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(audit.app, name="audit")
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(tools.app, name="tools")
app.add_typer(policy.app, name="policy")
guard(app)

if __name__ == "__main__":
    app()
