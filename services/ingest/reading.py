"""A body as it stands in a queue: alarms, log batches, groups of alerts, by structure. Pure."""

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from bus.errors import Rejected
from services.ingest import alarm, alertmanager, log_batch
from services.ingest.fields import part, text
from services.ingest.progress import Step, no_step
from services.ingest.trigger import Found, Ignored, Unreadable
from services.ingest.wrapping import Unwrapped, cleaned_text, unwrap

Clean = Callable[[str], str]


def read(body: object, step: Step = no_step, *, clean: Clean) -> list[Found | Unreadable]:
    """What everything in a body means, in its order. Never raises: what is broken is said so."""
    return [found for leaf in unwrap(body) for found in _read(leaf, clean, step=step)]


def _read(
    leaf: Unwrapped | Ignored | Unreadable, clean: Clean, *, step: Step
) -> list[Found | Unreadable]:
    step()
    if not isinstance(leaf, Unwrapped):
        return [leaf]
    try:
        return [*_meanings(leaf, clean, step=step)]
    except (Rejected, ValidationError) as error:
        return [Unreadable(str(error))]


def _meanings(leaf: Unwrapped, clean: Clean, *, step: Step) -> Sequence[Found | Unreadable]:
    document, region = leaf.document, cleaned_text(leaf.region, clean)
    logs, kinesis = document.get("awslogs"), part(document.get("kinesis"))
    if isinstance(logs, dict):
        return log_batch.read(text(logs.get("data")), clean=clean, region=region, step=step)
    if log_batch.is_packed(text(kinesis.get("data"))):
        return log_batch.read(text(kinesis["data"]), clean=clean, region=region, step=step)
    if log_batch.looks_like(document):
        return log_batch.read_document(document, clean=clean, region=region, step=step)
    if alertmanager.looks_like(document):
        return alertmanager.read(document, clean=clean, step=step)
    return [alarm.read_unwrapped(leaf, clean=clean)]
