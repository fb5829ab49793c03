"""`python -m services.toolrunner`: runs tool calls."""

import sys

from bus.process import run
from services.toolrunner.app import build
from services.toolrunner.settings import Settings

SWITCH_SECONDS = 0.001
"""The event loop waits so long for its turn while a thread cleans an answer; 5 ms by default."""

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    run("toolrunner", Settings, build=build)
