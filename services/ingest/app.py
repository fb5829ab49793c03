"""Ingest, put together: settings -> adapters -> handlers. It consumes no stream.

| from | method | to |
|---|---|---|
| SQS | `Intake.receive_forever`, `Triggers.on_body` | incidents, updates, notices, dead letters |
| handled | `Intake.delete_forever` | SQS |
| Slack: `POST /slack/events`, a socket | `SlackDesk.on_asked`, `.on_pressed` | the same, Slack |
"""

from bus.port import Bus
from bus.process import Service, build_app
from services.ingest.adapters.catalog_file import known_services
from services.ingest.adapters.redis_endings import Endings
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.adapters.slack_doors import slack_doors
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.handlers import Triggers
from services.ingest.intake import Intake
from services.ingest.ports import Fingerprints, Queue
from services.ingest.settings import Settings


def build(
    settings: Settings,
    bus: Bus,
    *,
    queue: Queue | None = None,
    fingerprints: Fingerprints | None = None,
) -> Service:
    """The service, not yet started. Raises NotConfigured with one sentence."""
    triggers = Triggers(
        fingerprints=fingerprints or RedisFingerprints(bus),
        tracing=bus.tracing,
        services=known_services(settings.catalog),
    )
    intake = Intake(queue=queue or SqsQueue(settings), triggers=triggers)
    slack = slack_doors(settings, bus, core=Endings(triggers, bus), services=triggers.services)
    return build_app(
        bus,
        [],
        background=[intake.receive_forever, intake.delete_forever, *slack.background],
        http_routes=slack.routes,
        checks={"queue": intake.check} | slack.checks,
    )
