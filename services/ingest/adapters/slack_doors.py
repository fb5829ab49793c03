"""The ways in which Slack reaches ingest: a socket, a path, both, or none without a secret."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.routing import Route

from bus.health import Check
from bus.port import Bus
from bus.process import Background
from services.ingest.adapters.http_room import Room
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.adapters.redis_pace import RedisPace
from services.ingest.ports import Core
from services.ingest.settings import Settings, ids
from services.ingest.slack_desk import SlackDesk
from services.ingest.slack_people import Allowed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SlackDoors:
    """What the service runs, serves and checks for Slack; nothing where Slack is closed."""

    background: Sequence[Background] = ()
    routes: Sequence[Route] = ()
    checks: dict[str, Check] = field(default_factory=dict)


def slack_doors(settings: Settings, bus: Bus, *, core: Core, services: Sequence[str]) -> SlackDoors:
    """The doors for which there is a secret; nothing connects yet."""
    token, secret = settings.slack_app_token, settings.slack_signing_secret
    if token is None and secret is None:
        return SlackDoors()
    # Slack's packages take a third of a second: who has no Slack does not wait for them.
    from services.ingest.adapters.slack_answering import ResponseUrls
    from services.ingest.adapters.slack_app import SlackApp
    from services.ingest.adapters.slack_http import BODY_SECONDS, BYTES_AT_ONCE, SlackHttp
    from services.ingest.adapters.slack_socket import SlackSocket

    allowed = Allowed(
        ids(settings.slack_teams), ids(settings.slack_channels), ids(settings.slack_users)
    )
    if not allowed.teams:
        log.warning("NIGHTSHIFT_SLACK_TEAMS is empty: every workspace with the app may ask")
    desk = SlackDesk(
        core=core,
        fingerprints=RedisFingerprints(bus),
        pace=RedisPace(bus, settings.slack_per_minute),
        allowed=allowed,
        services=services,
        is_each_new=not settings.repeat_seconds,
    )
    app = SlackApp(desk, ResponseUrls(settings.slack_api_url), api_url=settings.slack_api_url)
    background: list[Background] = [app.keep]
    checks: dict[str, Check] = {}
    if token is not None:
        value = token.get_secret_value()
        socket = SlackSocket(app, value, api_url=settings.slack_api_url)
        background.append(socket.keep)
        checks["slack"] = socket.check
    if secret is None:
        return SlackDoors(background, checks=checks)
    room = Room(settings.http_at_once, BYTES_AT_ONCE, body_seconds=BODY_SECONDS)
    route = SlackHttp(app, secret.get_secret_value(), room=room).route
    return SlackDoors(background, [route], checks)
