"""Which channel a message goes to: its service's, its team's, its severity's, else the default.

Read from the services file, of which ingest takes the names and the reasoner the rest:

    [services.cartservice]
    owner = "shop"
    channel = "C0123456CART"

    [channels.teams]
    shop = "C0123456SHOP"

    [channels.severities]
    critical = "C0123456CRIT"
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bus.errors import NotConfigured
from bus.events import Severity
from bus.record import Record
from services.notifier.blocks import Card, with_line

MOVED = "This belongs in channel {}, which takes no messages from us: see NIGHTSHIFT_CATALOG."
_NOTICE_KEY = re.compile(r"(incident|service):([^:]+)(?::|$)")


def _channel_id(text: str) -> str:
    if not re.fullmatch(r"[CG][A-Z0-9]{5,30}", text):
        raise ValueError("must be the id of a channel, such as C0123456789, and not its name")
    return text


ChannelId = Annotated[str, AfterValidator(_channel_id)]


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    owner: str = ""
    calls: object = None  # what is in these is the reasoner's to check
    path: object = None
    runbook: object = None
    logs: object = None
    channel: ChannelId | None = None


class _Channels(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    teams: dict[str, ChannelId] = {}
    severities: dict[Severity, ChannelId] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    services: dict[str, _Service] = {}
    channels: _Channels = _Channels()


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The channels of a services file; with `default` alone, everything goes there."""

    default: str
    services: Mapping[str, str] = field(default_factory=dict)
    """By service: its own channel, else that of the team that owns it."""
    severities: Mapping[Severity, str] = field(default_factory=dict)

    def channel_of(self, record: Record) -> str:
        """Where the message of that incident belongs."""
        incident = record.incident
        by_severity = self.severities.get(incident.severity, self.default)
        return self.services.get(incident.service, by_severity)

    def channel_of_service(self, service: str) -> str:
        """Where what concerns a service, and no incident of it, belongs."""
        return self.services.get(service, self.default)


def routes_from(text: str, default: str) -> Routes:
    """The routes of a services file. Raises NotConfigured with the key that is wrong, and why."""
    try:
        read = tomllib.loads(text)
        if isinstance(read.get("services"), list):  # names alone: nothing to route by
            read = {name: table for name, table in read.items() if name != "services"}
        file = _File.model_validate(read)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        said = first["msg"].removeprefix("Value error, ")
        raise NotConfigured(f"{where!a}: {said}") from None
    except tomllib.TOMLDecodeError as error:
        raise NotConfigured(str(error)) from None
    owners = {service.owner for service in file.services.values()}
    for team in file.channels.teams:
        if not team or team not in owners:
            raise NotConfigured(f"'channels.teams.{team}': no service has that owner")
    found = {
        name: service.channel or file.channels.teams.get(service.owner)
        for name, service in file.services.items()
    }
    services = {name: channel for name, channel in found.items() if channel}
    return Routes(default=default, services=services, severities=file.channels.severities)


def moved(card: Card, channel: str) -> Card:
    """The card with a line that says in which channel it should stand."""
    return with_line(card, MOVED.format(channel))


def named_in(key: str) -> tuple[str, str]:
    """What a notice's key says it is about: `incident` or `service`, and which; else nothing."""
    found = _NOTICE_KEY.match(key)
    return (found[1], found[2]) if found else ("", "")
