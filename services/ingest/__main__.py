"""`python -m services.ingest`: the service as a process."""

from bus.process import run
from services.ingest.app import build
from services.ingest.settings import Settings

if __name__ == "__main__":
    run("ingest", Settings, build=build)
