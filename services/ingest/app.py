"""Ingest, put together: settings -> adapters -> handlers. It has no group on any stream.

| from | method | to |
|---|---|---|
| SQS | `Intake.receive_forever`, `Triggers.on_body` | incidents, updates, notices, dead letters |
| handled | `Intake.delete_forever` | SQS |
| backlog | `Draining.drain_forever` | incidents, updates, notices |
| stops | `Draining.free_forever` | places, then as the line above |
"""

from bus.port import Bus
from bus.process import Service, build_app
from services.ingest.adapters.catalog_file import known_services
from services.ingest.adapters.redis_backlog import RedisBacklog
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.backlog import Draining
from services.ingest.fingerprint import Identity
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
        fingerprints=fingerprints or RedisFingerprints(bus, settings.limits),
        tracing=bus.tracing,
        services=known_services(settings.catalog),
        identity=Identity.of(settings.fingerprint),
        recovery=settings.recovery,
    )
    draining = Draining(RedisBacklog(bus, settings.limits))
    intake = Intake(queue=queue or SqsQueue(settings), triggers=triggers)
    return build_app(
        bus,
        [],
        background=[
            intake.receive_forever,
            intake.delete_forever,
            draining.drain_forever,
            draining.free_forever,
        ],
        checks={"queue": intake.check},
    )
