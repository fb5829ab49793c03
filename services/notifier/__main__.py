"""`python -m services.notifier`: the notifier as a process."""

from bus.process import run
from services.notifier.app import build
from services.notifier.settings import Settings

if __name__ == "__main__":
    run("notifier", Settings, build=build)
