"""`nightshift publish`: a test incident onto the stream, or an alarm into the queue."""

import json
import os
from http.client import HTTPException
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from bus.connection import as_text
from bus.errors import NotConfigured
from bus.events import IncidentOpened, Severity
from bus.streams import INCIDENTS
from cli import where
from cli.stack import call

FORMS = ("sns", "eventbridge")


def publish(
    service: Annotated[str, typer.Option(help="The service that is in trouble.")] = "cartservice",
    summary: Annotated[str, typer.Option(help="What a person sees.")] = "HTTP 500 on checkout",
    *,
    severity: Annotated[Severity, typer.Option(help="How bad it is.")] = "error",
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many incidents.")] = 1,
    alarm: Annotated[
        str,
        typer.Option(
            help="Not an incident but an alarm that ingest has to read: `sns` or `eventbridge`"
            " fires the one of `nightshift up`; a file's body goes to NIGHTSHIFT_QUEUE_URL."
        ),
    ] = "",
) -> None:
    """Open a test incident on the stream, or send an alarm into the queue.

    Finds a running `nightshift up` by itself; else set REDIS_URL (or NIGHTSHIFT_QUEUE_URL).
    """
    try:
        if alarm in FORMS:
            _fire(alarm)
        elif alarm:
            _send(Path(alarm))
        else:
            _add({"service": service, "summary": summary, "severity": severity}, count)
    except NotConfigured as error:
        _fail(str(error))


def _fire(form: str) -> None:
    control = where.running().get("control") or _fail("no `nightshift up` is running here")
    try:
        answer = call(f"{control}/_simulator/fire-alarm", {"form": form})
    except (OSError, ValueError, HTTPException):
        _fail(f"the `nightshift up` that was at {control} does not answer; start it again")
    typer.echo(f"alarm fired: {json.dumps(answer)}")


def _add(values: dict[str, str], count: int) -> None:
    try:
        IncidentOpened.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        _fail(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    entry = {"data": json.dumps(values)}
    with where.redis() as redis:
        for _ in range(count):
            entry_id = redis.xadd(where.keys().stream(INCIDENTS), dict(entry.items()))
            typer.echo(f"inc-{as_text(entry_id)}")


def _send(file: Path) -> None:
    import boto3  # slow to import, and only needed here
    from botocore.exceptions import BotoCoreError, ClientError

    queue = os.environ.get("NIGHTSHIFT_QUEUE_URL") or _fail("NIGHTSHIFT_QUEUE_URL is not set")
    try:
        body = file.read_text(encoding="utf-8")
        sqs = boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))
        sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    except (OSError, UnicodeDecodeError, BotoCoreError, ClientError) as error:
        _fail(f"{file} was not sent: {error}")
    typer.echo(f"sent as message {sent['MessageId']}")


def _fail(sentence: str) -> str:
    typer.echo(f"nightshift publish: {sentence}", err=True)
    raise typer.Exit(1)
