"""`python -m tests.chaos.frail_reasoner`: the service; some turns end it in the midst of its work.

It stops by itself (SIGSTOP), with all that it handles; whoever watches it kills it then.
"""

import os
import signal
from collections.abc import Callable

from bus.port import Bus
from bus.process import Service, run
from services.reasoner.adapters.claude import Claude
from services.reasoner.adapters.files import rules_of
from services.reasoner.adapters.pace import Pace
from services.reasoner.app import build
from services.reasoner.settings import Settings
from services.reasoner.transcript import Reply
from services.reasoner.turn import Request
from tests.chaos.poison import KILLS


class Frail(Claude):
    """The model, which some questions never reach."""

    async def ask(self, request: Request, *, seconds: float, check: Callable[[], float]) -> Reply:
        """The reply; no process survives asking about a killer."""
        if KILLS in str(request):
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().ask(request, seconds=seconds, check=check)


def build_frail(settings: Settings, bus: Bus) -> Service:
    """The service with that model."""
    pace = Pace(bus.redis, bus.keys, settings)
    frail = Frail(settings, bus.tracing, rules_of(settings).prices, pace)
    return build(settings, bus, model=frail)


if __name__ == "__main__":
    run("reasoner", Settings, build=build_frail)
