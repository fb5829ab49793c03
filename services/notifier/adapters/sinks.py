"""Which adapter writes the messages: here, and in the settings, another one is added."""

import sys

from bus.port import Bus
from services.notifier.adapters.slack import LEASE_SHARE, SlackChannel, slack_channel
from services.notifier.adapters.stdout import StandardOutput
from services.notifier.settings import Settings


def sink_of(settings: Settings, bus: Bus) -> SlackChannel | StandardOutput:
    """The one that `NIGHTSHIFT_SINK` names; nothing connects yet."""
    if settings.sink == "stdout":
        seconds = LEASE_SHARE * settings.lease_seconds
        return StandardOutput(bus.redis, bus.keys, settings.slack_channel, sys.stdout, seconds)
    return slack_channel(settings, bus)
