"""Ingest, put together: settings -> adapters -> handlers. It consumes no stream.

| from | method | to |
|---|---|---|
| SQS | `Intake.receive_forever`, `Triggers.on_body` | incidents, updates, notices, dead letters |
| HTTP: `POST /triggers/{sns,alertmanager,logs}` | `Door.take`, `Triggers.take` | the same |
| Slack: `POST /slack/events`, a socket | `SlackDesk.on_asked`, `.on_pressed` | the same, Slack |
| handled | `Intake.delete_forever` | SQS |
| CloudWatch, once | `CatchUp.run` | the same as from SQS |
| backlog | `Draining.drain_forever` | incidents, updates, notices |
| stops | `Draining.free_forever` | places, then as the line above |
"""

from functools import partial

from bus.health import Check
from bus.port import Bus
from bus.process import Background, Service, build_app
from services.ingest.adapters.catalog_file import known_services
from services.ingest.adapters.cloudwatch import CloudWatchAlarms
from services.ingest.adapters.http_triggers import http_triggers
from services.ingest.adapters.openapi import openapi_route
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.adapters.redis_backlog import RedisBacklog
from services.ingest.adapters.redis_catch_up import RedisCaughtUp
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.adapters.slack_doors import slack_doors
from services.ingest.adapters.sqs import SqsQueue
from services.ingest.adapters.zeros import from_zero
from services.ingest.backlog import Draining
from services.ingest.catch_up import CatchUp
from services.ingest.doors import need_one
from services.ingest.fingerprint import Identity
from services.ingest.handlers import Triggers
from services.ingest.intake import Intake
from services.ingest.ports import Fingerprints, Queue
from services.ingest.readiness import takes_writes
from services.ingest.settings import Settings


def build(
    settings: Settings,
    bus: Bus,
    *,
    queue: Queue | None = None,
    fingerprints: Fingerprints | None = None,
) -> Service:
    """The service, not yet started. Raises NotConfigured with one sentence."""
    need_one(dict(settings))
    triggers = Triggers(
        fingerprints=fingerprints or RedisFingerprints(bus, settings.limits),
        tracing=bus.tracing,
        readings=ReadingRoom(),
        services=known_services(settings.catalog),
        identity=Identity.of(settings.fingerprint),
        recovery=settings.recovery,
    )
    doors = http_triggers(settings, bus, triggers=triggers)
    slack = slack_doors(settings, bus, core=triggers, services=triggers.services)
    draining = Draining(RedisBacklog(bus, settings.limits))
    background: list[Background] = [draining.drain_forever, draining.free_forever]
    background += [doors.watch_forever, *slack.background]
    checks: dict[str, Check] = {"writes": partial(takes_writes, triggers.fingerprints)}
    checks |= slack.checks
    if queue or settings.queue_url:
        keep_every = settings.queue_visibility_seconds / 3
        intake = Intake(queue or SqsQueue(settings), triggers, keep_every_seconds=keep_every)
        background += [intake.receive_forever, intake.delete_forever]
        checks["queue"] = intake.check
        if settings.catch_up:
            standing, memory = CloudWatchAlarms(settings), RedisCaughtUp(bus)
            background.append(CatchUp(standing, memory, triggers, intake.was_empty).run)
    open_routes = [*doors.routes, *slack.routes]
    from_zero(route.path for route in open_routes)
    routes = [*open_routes, openapi_route(open_routes)]
    service = build_app(bus, [], background=background, http_routes=routes, checks=checks)
    doors.heads.server = lambda: service.server
    return service
