"""How many investigations may be open, how many new ones may begin, and for how long. Pure."""

from dataclasses import dataclass

WINDOWS_IN_ALL = 24
"""An alarm that never falls silent is investigated again after so many windows all the same."""
LONGEST_SECONDS = 6 * 24 * 3600
FREED_AFTER_DEADLINE_SECONDS = 60
MOST_UPDATES = 20
"""So many later alarms, recoveries beside others, and ends each an investigation is told of."""
MOST_WORSE = 3
"""So many more later alarms, of those that are critical or worse than all that was told before."""
MOST_ASKED = 5
"""So many new ones a window opens for people who ask, whatever alarms there are beside them."""
MOST_HELD = 500
MOST_KINDS = 500
"""So many kinds a summary lists; of the rest it holds the numbers."""
MOST_SERIES = 500
"""So many series of a problem are known with when each was told last."""
MOST_BEYOND = 10_000
"""So many more are known by name and change alone, until all of them are silent. Of still more
nobody knows when they end: the end of all that are known is the end then."""
GRADES = 5
"""A held alarm overtakes those one grade above it that came a fifth of the holding time later."""


@dataclass(frozen=True)
class Limits:
    """The settings of the same names."""

    repeat_seconds: float = 3600.0
    source_burst: int = 20
    source_seconds: float = 30.0
    max_open: int = 50
    max_new: int = 20
    window_seconds: float = 600.0
    held_seconds: float = 600.0
    gather_seconds: float = 15.0
    deadline_seconds: float = 300.0

    def figures(self) -> dict[str, int]:
        """As the scripts take them: times in milliseconds."""
        place = _ms(self.deadline_seconds + FREED_AFTER_DEADLINE_SECONDS)
        repeat = _ms(self.repeat_seconds)
        longest = min(WINDOWS_IN_ALL * repeat, _ms(LONGEST_SECONDS))
        return {
            "repeat_ms": repeat,
            "longest_ms": longest,
            "known_ms": longest + max(repeat, place) + 60_000,
            "source_burst": self.source_burst,
            "source_ms": _ms(self.source_seconds),
            "max_open": self.max_open,
            "max_new": self.max_new,
            "window_ms": _ms(self.window_seconds),
            "held_ms": _ms(self.held_seconds),
            "lift_ms": _ms(self.held_seconds / GRADES),
            "gather_ms": _ms(self.gather_seconds),
            "place_ms": place,
            "most_updates": MOST_UPDATES,
            "most_worse": MOST_WORSE,
            "most_asked": MOST_ASKED,
            "most_held": MOST_HELD,
            "most_kinds": MOST_KINDS,
            "most_series": MOST_SERIES,
            "most_beyond": MOST_BEYOND,
        }


DEFAULTS = Limits()


def _ms(seconds: float) -> int:
    return max(1, round(1000 * seconds)) if seconds else 0
