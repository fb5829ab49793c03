"""Every instrument by name, with unit and description; `/metrics` and OTLP show the same ones."""

import atexit
import os

from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

_meter = metrics.get_meter("nightshift")
_counter, _gauge, _histogram = _meter.create_counter, _meter.create_gauge, _meter.create_histogram

DELIVERIES = _counter("nightshift.deliveries", "1", "Entries handled, by stream and how it ended")
HANDLING_SECONDS = _histogram("nightshift.handling.duration", "s", "Time to handle an entry")
SEALS = _counter("nightshift.envelopes", "1", "Entries whose signature was looked at, by verdict")
DEAD_LETTERS = _counter("nightshift.dead_letters", "1", "Entries set aside, by stream")
LAG = _gauge("nightshift.queue.lag", "1", "Entries not yet delivered, by stream and group")
PENDING = _gauge("nightshift.queue.pending", "1", "Entries in hand, by stream and group")
OLDEST_PENDING_SECONDS = _gauge("nightshift.queue.oldest_pending", "s", "Age of the oldest in hand")
STREAM_LENGTH = _gauge("nightshift.stream.length", "1", "Entries on a stream")
WAITING_SECONDS = _gauge("nightshift.stream.waiting", "s", "Age of the oldest not acknowledged")
UNREADY = _gauge("nightshift.unready", "1", "1 while /readyz finds something wrong, by check")
STORE_REFUSED = _gauge(
    "nightshift.store.refused", "1", "1 once Redis lost data and nothing is consumed, else 0: alert"
)
INCIDENTS = _counter("nightshift.incidents", "1", "Triggers seen, by what became of them")
HELD = _gauge("nightshift.backlog", "1", "Problems that wait to be investigated")
OPEN_PLACES = _gauge("nightshift.places", "1", "Places of NIGHTSHIFT_MAX_OPEN that are taken")
TURNS = _counter("nightshift.turns", "1", "Model turns committed, by model")
TOKENS = _counter("nightshift.tokens", "1", "Model tokens, by kind and model")
COST_USD = _counter("nightshift.cost", "USD", "Dollars spent on models, by model")
UNPRICED = _counter("nightshift.turns.unpriced", "1", "Turns whose cost is unknown, by model")
MODEL_SECONDS = _histogram("nightshift.model.duration", "s", "Time of one model call")
TOOL_CALLS = _counter("nightshift.tool_calls", "1", "Tool calls, by tool and outcome")
DECISIONS = _counter("nightshift.decisions", "1", "Policy decisions, by verdict and tool")
TOOLS_WITHHELD = _gauge("nightshift.tools.withheld", "1", "Tools not as reviewed, by server")
TOOL_SECONDS = _histogram("nightshift.tool.duration", "s", "Time of one tool call")
PACE_WAIT_SECONDS = _histogram("nightshift.servers.pace_wait", "s", "Wait for a call's turn")
SERVERS_AWAY = _gauge("nightshift.servers.away", "1", "1 while an MCP server is not connected")
SERVERS_LEFT_ALONE = _gauge(
    "nightshift.servers.left_alone", "1", "1 while an MCP server is not asked for its failures"
)
OUTCOMES = _counter("nightshift.outcomes", "1", "Investigations ended, by outcome")
DIAGNOSIS_SECONDS = _histogram("nightshift.diagnosis.duration", "s", "Acceptance to final card")
SLACK_WRITES = _counter("nightshift.slack.writes", "1", "Slack calls, by method and answer")
SECOND_MESSAGES = _counter(
    "nightshift.slack.second_messages", "1", "Messages one too many, by how that ended"
)
FEEDBACK = _counter("nightshift.feedback", "1", "Judgements by people: useful, and whether changed")


def set_up_metrics(service: str, replica: str) -> MeterProvider:
    """Make the instruments real: scraped at `/metrics`, sent over OTLP where an endpoint is set."""
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if os.environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        given = os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT")  # else a stop waits for it too long
        exporter = OTLPMetricExporter(timeout=None if given else 3)
        readers.append(PeriodicExportingMetricReader(exporter))
    resource = Resource.create({"service.name": service, "service.instance.id": replica})
    provider = MeterProvider(readers, resource, shutdown_on_exit=False)
    atexit.register(provider.shutdown, 3_000)  # its own waits 30 s for a collector that drips
    metrics.set_meter_provider(provider)
    return provider
