"""Ingest's part of the one trace: its span hangs under the root that stands in the entry."""

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bus.streams import INCIDENTS
from bus.testing import entries
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.handlers import Triggers
from tests.conftest import MakeBus
from tests.ingest.bodies import event


async def test_the_span_of_an_alarm_hangs_under_the_root_of_its_incident(make_bus: MakeBus) -> None:
    bus, spans = make_bus("ingest"), InMemorySpanExporter()
    bus.tracing.provider.add_span_processor(SimpleSpanProcessor(spans))

    await Triggers(RedisFingerprints(bus), bus.tracing, ReadingRoom()).on_body(event())

    (entry,) = await entries(bus, INCIDENTS)
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    parent = f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-01"
    assert parent == entry.fields["traceparent"]
    assert span.attributes is not None
    assert span.attributes["nightshift.ingest.outcome"] == "opened"


async def test_nothing_secret_or_invisible_reaches_the_entry(make_bus: MakeBus) -> None:
    bus = make_bus("ingest")
    secret = "xoxb-" + "1234567890-abcdefghij"
    body = event(reason=f"the token is {secret}\u202e and \x1b[31mred")

    await Triggers(RedisFingerprints(bus), bus.tracing, ReadingRoom()).on_body(body)

    (entry,) = await entries(bus, INCIDENTS)
    assert secret not in entry.fields["data"]
    assert "[secret:slack:" in entry.fields["data"]
    assert "\u202e" not in entry.fields["data"]
    assert "u001b" not in entry.fields["data"]
