"""`python -m services.reasoner`: the service as a process."""

from bus.process import run
from services.reasoner.app import build
from services.reasoner.settings import Settings

if __name__ == "__main__":
    run("reasoner", Settings, build=build)
