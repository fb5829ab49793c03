"""`python -m tests.chaos.hasty_ingest`: the service, without the two seconds of patience."""

from bus.process import run
from services.ingest import intake
from services.ingest.app import build
from services.ingest.settings import Settings

if __name__ == "__main__":
    intake.EVERYSEC_SECONDS = 0.0
    run("ingest", Settings, build=build)
