"""`python -m services.reasoner`: the service as a process."""

import gc

from bus.process import run
from services.reasoner.app import build
from services.reasoner.settings import Settings

GARBAGE_AFTER = 10_000
"""New objects before garbage is looked for; with 200 turns at once 700 are there all the time."""

if __name__ == "__main__":
    gc.freeze()  # The SDK's many types stay anyway; every full collection would walk through them.
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    run("reasoner", Settings, build=build)
