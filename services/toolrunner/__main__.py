"""`python -m services.toolrunner`: runs tool calls."""

from bus.process import run
from services.toolrunner.app import build
from services.toolrunner.settings import Settings

if __name__ == "__main__":
    run("toolrunner", Settings, build=build)
