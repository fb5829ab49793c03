"""Which doors are open over HTTP: each by a setting of its own; the log says so at the start."""

import logging
import re
from dataclasses import dataclass

from starlette.routing import Route

from bus.errors import NotConfigured
from bus.port import Bus
from bus.streams import DAY
from services.ingest.access import tokens_of
from services.ingest.adapters.http_doors import HttpDoors
from services.ingest.adapters.redis_seen import RedisSeen
from services.ingest.adapters.slow_heads import SlowHeads
from services.ingest.adapters.sns_over_https import SnsOverHttps
from services.ingest.adapters.trusted_roots import TrustedRoots
from services.ingest.handlers import Triggers
from services.ingest.ports import Sns
from services.ingest.posting import Door
from services.ingest.settings import Settings
from services.ingest.sns_door import SnsDoor
from services.ingest.token_doors import AlertmanagerDoor, LogsDoor

log = logging.getLogger(__name__)
CERTIFICATE_DAYS = 30
"""So long the address of a good certificate is remembered after it was asked last."""
_ORIGIN = re.compile(r"https://[a-z0-9.-]{1,253}(?::\d{1,5})?/?")


@dataclass(frozen=True)
class HttpTriggers:
    """The routes of the open doors, and what watches over slow clients."""

    routes: list[Route]
    heads: SlowHeads

    async def watch_forever(self) -> None:
        """The log has told which doors are open; slow clients are cut off, until cancelled."""
        opened = {route.path for route in self.routes}
        for path, setting in _SETTINGS.items():
            said = "open" if path in opened else "closed: 404"
            log.info("%s is %s (%s)", path, said, setting)
        await self.heads.close_forever()


def http_triggers(
    settings: Settings, bus: Bus, *, triggers: Triggers, sns: Sns | None = None
) -> HttpTriggers:
    """The doors that the settings open. Raises NotConfigured with one sentence."""
    serving = HttpDoors(
        triggers.fingerprints.kept,
        at_once=settings.http_at_once,
        body_seconds=settings.http_body_seconds,
        handling_seconds=settings.http_handling_seconds,
    )
    doors: list[Door] = []
    if settings.topics:
        doors.append(_sns_door(settings, bus, triggers=triggers, sns=sns))
    if tokens := tokens_of(settings.alertmanager_token.get_secret_value()):
        doors.append(AlertmanagerDoor(triggers, tokens))
    if tokens := tokens_of(settings.logs_token.get_secret_value()):
        doors.append(LogsDoor(triggers, tokens))
    heads = SlowHeads(lambda: None, settings.http_body_seconds)
    return HttpTriggers([serving.route(door) for door in doors], heads)


def sns_over_https(settings: Settings, bus: Bus) -> SnsOverHttps:
    """SNS, whose certificates are remembered on every replica of this bus."""
    return SnsOverHttps(
        TrustedRoots(settings.ca_bundle), RedisSeen(bus, "certificate", CERTIFICATE_DAYS * DAY)
    )


def _sns_door(settings: Settings, bus: Bus, *, triggers: Triggers, sns: Sns | None) -> SnsDoor:
    address = settings.sns_address
    if address and not _ORIGIN.fullmatch(address):
        raise NotConfigured(
            f"SNS signs at {address!r}, which must be https://host[:port]: set AWS_ENDPOINT_URL_SNS"
        )
    return SnsDoor(
        triggers=triggers,
        sns=sns or sns_over_https(settings, bus),
        message_ids=RedisSeen(bus, "sns", DAY),
        topics=settings.topics,
        endpoint=address,
        demanded_version="" if settings.sns_signature == "any" else settings.sns_signature,
    )


_SETTINGS = {
    "/triggers/sns": "NIGHTSHIFT_SNS_TOPICS",
    "/triggers/alertmanager": "NIGHTSHIFT_ALERTMANAGER_TOKEN",
    "/triggers/logs": "NIGHTSHIFT_LOGS_TOKEN",
}
