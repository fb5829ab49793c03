"""`nightshift publish`: its options, and what is done for them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from pydantic import ValidationError

from bus.connection import as_text
from bus.errors import NotConfigured
from bus.events import IncidentOpened, Severity
from bus.streams import INCIDENTS
from cli import where
from cli.publishing.asked import Asked
from cli.publishing.file import is_asked, opens_none, parcels_of
from cli.publishing.outgoing import NONE_OF_ASKING, NONE_OPENED, fire_alarm, send_all
from cli.publishing.parcels import DOORS, Door, Parcel, parcels
from cli.publishing.target import Target, found

SERVICE, SUMMARY = "cartservice", "HTTP 500 on checkout"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that can be asked of it."""

    service: Annotated[
        str, typer.Option(help=f"The service that is in trouble ({SERVICE}).", show_default=False)
    ] = ""
    summary: Annotated[
        str, typer.Option(help=f"What a person sees ({SUMMARY}).", show_default=False)
    ] = ""
    severity: Annotated[Severity, typer.Option(help="How bad it is.")] = "error"
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many times.")] = 1
    kinds: Annotated[
        int, typer.Option(min=1, max=1_000, help="How many different problems that is in turn.")
    ] = 1
    recovered: Annotated[
        bool, typer.Option("--recovered", help="It is over: what the sender sends then.")
    ] = False
    sns: Annotated[
        bool, typer.Option("--sns", help="A CloudWatch alarm by SNS, signed with a test key.")
    ] = False
    eventbridge: Annotated[
        bool, typer.Option("--eventbridge", help="A CloudWatch alarm by EventBridge, in the queue.")
    ] = False
    logs: Annotated[
        bool, typer.Option("--logs", help="Lines of a CloudWatch Logs subscription, by Firehose.")
    ] = False
    slack: Annotated[
        bool, typer.Option("--slack", help="`/diagnose SERVICE SUMMARY`, signed as by Slack.")
    ] = False
    alertmanager: Annotated[
        bool, typer.Option("--alertmanager", help="Alerts of Prometheus, by Alertmanager.")
    ] = False
    namespace: Annotated[
        str,
        typer.Option(
            help="With --alertmanager: the label `namespace` of the alerts; none without it.",
            show_default=False,
        ),
    ] = ""
    file: Annotated[
        str,
        typer.Option(
            help="The body in this file, through the door of its real sender, told by structure;"
            " {now} in it is the moment of sending.",
            show_default=False,
        ),
    ] = ""
    queue: Annotated[
        bool,
        typer.Option("--queue", help="With --sns, --logs or --file: into the queue, not by HTTP."),
    ] = False
    to: Annotated[
        str,
        typer.Option(
            help="Another ingest than that of `nightshift up`: http://HOST:8080; its tokens are"
            " read from the variables that it was started with.",
            show_default=False,
        ),
    ] = ""
    keys: Annotated[
        str,
        typer.Option(
            help="With --sns and --to: the folder of the test key that this ingest trusts.",
            show_default=False,
        ),
    ] = ""


def publish(options: Options) -> None:
    """Open a test incident on the stream, or tell ingest of a problem as a real sender does.

    Without --sns, --eventbridge, --logs, --slack, --alertmanager or --file the incident is put on
    the stream, past ingest. Finds a running `nightshift up` by itself; else set REDIS_URL (the
    stream), NIGHTSHIFT_QUEUE_URL (the queue) or --to (ingest). Exits 1 when something was refused
    or not sent. docs/triggers.md has an example of each.
    """
    chosen: list[Door] = [door for door in DOORS if getattr(options, door)]
    if len(chosen) + bool(options.file) > 1:
        raise typer.BadParameter("one sender at a time: " + ", ".join(f"--{d}" for d in chosen))
    if options.namespace and chosen != ["alertmanager"]:
        raise typer.BadParameter("--namespace is a label of alerts: it goes with --alertmanager")
    if options.to and (options.queue or options.eventbridge):
        raise typer.BadParameter("--to is an address, and this goes into the queue: leave it out")
    try:
        if options.file:
            _send_file(options)
        elif chosen:
            _tell(chosen[0], options)
        else:
            _add(options)
    except NotConfigured as error:
        _fail(str(error))


def _send_file(options: Options) -> None:
    target = found(options.to, options.keys)
    outgoing = list(parcels_of(options.file, target, queue=options.queue))
    number = 0 if all(map(opens_none, outgoing)) else 1
    none = NONE_OF_ASKING if all(map(is_asked, outgoing)) else NONE_OPENED
    if send_all(outgoing, target, number=number, say=typer.echo, none=none):
        raise typer.Exit(1)


def _tell(door: Door, options: Options) -> None:
    target = found(options.to, options.keys)
    is_of_queue = door == "eventbridge" or (door == "sns" and options.queue)
    if is_of_queue and target.control and _is_plain(options):
        form = "sns" if door == "sns" else "eventbridge"
        fire_alarm(form, target, recovered=options.recovered, say=typer.echo)
        return
    opens = 0 if options.recovered else min(options.kinds, options.count)
    _send(parcels(door, _asked(options), target=target, queue=options.queue), target, number=opens)


def _is_plain(options: Options) -> bool:
    """Whether it is left to the running scenario what goes wrong."""
    asked = replace(options, sns=False, eventbridge=False, queue=False, recovered=False)
    return asked == Options()


def _asked(options: Options) -> Asked:
    if not options.service.isprintable():
        raise NotConfigured("--service holds a line break or another sign that no sender sends")
    return Asked(
        service=options.service or SERVICE,
        summary=options.summary or SUMMARY,
        severity=options.severity,
        count=options.count,
        kinds=options.kinds,
        recovered=options.recovered,
        namespace=options.namespace,
    )


def _add(options: Options) -> None:
    values = {
        "service": options.service or SERVICE,
        "summary": options.summary or SUMMARY,
        "severity": options.severity,
    }
    try:
        IncidentOpened.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        _fail(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    entry = {"data": json.dumps(values)}
    with where.redis() as redis:
        for _ in range(options.count):
            entry_id = redis.xadd(where.keys().stream(INCIDENTS), dict(entry.items()))
            typer.echo(f"inc-{as_text(entry_id)}")


def _send(outgoing: Iterable[Parcel], target: Target, *, number: int) -> None:
    if send_all(outgoing, target, number=number, say=typer.echo):
        raise typer.Exit(1)


def _fail(sentence: str) -> None:
    typer.echo(f"nightshift publish: {sentence}", err=True)
    raise typer.Exit(1)
