"""`python -m tests.chaos.hasty_ingest`: the service, which waits for no disk."""

from bus.port import Bus
from bus.process import run
from services.ingest import app, intake
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.limits import DEFAULTS, Limits
from services.ingest.settings import Settings


class Hasty(RedisFingerprints):
    """Does not ask a Redis that could tell (7.2 and newer)."""

    def __init__(self, bus: Bus, limits: Limits = DEFAULTS) -> None:
        super().__init__(bus, limits)
        self.scripts.can_wait_for_disk = False


if __name__ == "__main__":
    intake.EVERYSEC_SECONDS = 0.0
    vars(app)["RedisFingerprints"] = Hasty
    run("ingest", Settings, build=app.build)
