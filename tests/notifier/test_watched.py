"""A stream that somebody emptied or blocked is told from one that is trimmed (T15)."""

import pytest

from services.notifier.watched import Look, Watched

NOW = 10_000_000
KEPT = 3600.0


def look(*ids: int, at: int = NOW, last: int = 0) -> Look:
    """A stream with entries of those milliseconds."""
    oldest, newest = (f"{ids[0]}-0", f"{ids[-1]}-0") if ids else ("", "")
    return Look(at, oldest, newest, f"{last or max(ids, default=0)}-0")


@pytest.mark.parametrize("left", [(), (NOW - 1000,)], ids=["all of it", "all but the newest"])
def test_a_young_entry_that_is_gone_was_taken_by_somebody(left: tuple[int, ...]) -> None:
    watched = Watched(KEPT)
    assert not watched.wiped(look(NOW - 60_000, NOW - 30_000))
    assert watched.wiped(look(*left, last=NOW - 1000))
    assert not watched.wiped(look(*left, last=NOW - 1000)), "told once"


def test_trimming_takes_what_is_old_and_alarms_nobody() -> None:
    watched = Watched(KEPT)
    hour = round(1000 * KEPT)
    assert not watched.wiped(look(NOW - hour - 9000, NOW - hour - 1))
    assert not watched.wiped(look(last=NOW - hour - 1))
    assert not watched.wiped(look(NOW))
    assert not watched.wiped(look(last=NOW, at=NOW + hour)), "within the margin of a look"


def test_where_nothing_is_kept_nothing_is_young() -> None:
    watched = Watched(0.0)
    assert not watched.wiped(look(NOW))
    assert not watched.wiped(look(last=NOW))


def test_an_id_in_the_future_tells_how_far() -> None:
    assert look(NOW).ahead_seconds == 0.0
    assert look(NOW, last=NOW + 90_000).ahead_seconds == 90.0
    assert Look(NOW, "", "", "").ahead_seconds == 0.0


def test_what_is_remembered_does_not_grow_with_the_days() -> None:
    watched = Watched(kept_seconds=30 * 86_400)
    for step in range(5000):
        assert not watched.wiped(look(1, NOW + 5000 * step, at=NOW + 5000 * step))
    assert len(watched._young) <= 200
    assert watched.wiped(look(NOW + 5000 * 4999, at=NOW + 5000 * 5000))
