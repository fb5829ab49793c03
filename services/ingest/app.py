"""Ingest, put together: settings -> adapters -> handlers. It consumes no stream.

| from | method | to |
|---|---|---|
| SQS | `Intake.receive_forever`, `Triggers.on_body` | incidents, updates, notices, dead letters |
| HTTP: `POST /triggers/{sns,alertmanager,logs}` | `Door.take`, `Triggers.take` | the same |
| handled | `Intake.delete_forever` | SQS |
"""

from bus.port import Bus
from bus.process import Service, build_app
from services.ingest.adapters.catalog_file import known_services
from services.ingest.adapters.http_triggers import http_triggers
from services.ingest.adapters.openapi import openapi_route
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
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
    doors = http_triggers(settings, bus, triggers=triggers)
    service = build_app(
        bus,
        [],
        background=[intake.receive_forever, intake.delete_forever, doors.watch_forever],
        http_routes=[*doors.routes, openapi_route(doors.routes)],
        checks={"queue": intake.check},
    )
    doors.heads.server = lambda: service.server
    return service
