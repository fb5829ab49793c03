"""The one place where a test looks again and again at a process that tells of nothing by itself."""

import time
from collections.abc import Callable


def until(
    condition: Callable[[], object],
    *,
    seconds: float,
    what: Callable[[], str],
    alive: Callable[[], object] = lambda: True,
) -> None:
    """The condition holds. Raises AssertionError with `what` when time is up or nobody is alive."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert alive(), what()
        assert time.monotonic() < give_up_at, what()
        time.sleep(0.05)
