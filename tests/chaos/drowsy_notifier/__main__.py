"""`python -m tests.chaos.drowsy_notifier`: the service; it stops by itself before its first post.

It has made its last check and not yet begun to send, where no freeze from outside can be aimed at.
Whoever watches it wakes it (SIGCONT); then it sends, as it had decided.
"""

import os
import signal
from dataclasses import dataclass

from bus.port import Bus
from bus.process import Service, run
from services.notifier.adapters.slack import SlackChannel, slack_channel
from services.notifier.app import build
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.ports import NOTICE
from services.notifier.settings import Settings
from services.notifier.stop import Place


@dataclass
class Drowsy(SlackChannel):
    """Slack, which the first post reaches late."""

    slept: bool = False

    async def post(
        self,
        card: Card,
        incident_id: str = "",
        *,
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place:
        """The same, after a sleep."""
        if not incident_id.startswith(NOTICE) and not self.slept:
            self.slept = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().post(card, incident_id, channel=channel, urgency=urgency)


def build_drowsy(settings: Settings, bus: Bus) -> Service:
    """The service with that channel."""
    awake = slack_channel(settings, bus)
    return build(settings, bus, slack=Drowsy(awake.calls, awake.channel))


if __name__ == "__main__":
    run("notifier", Settings, build=build_drowsy)
