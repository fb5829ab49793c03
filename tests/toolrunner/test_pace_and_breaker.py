"""How fast a server is asked, and when it is left alone: both as plain values, with no clock."""

import pytest

from services.toolrunner.breaker import Breaker
from services.toolrunner.pace import Pace


def test_a_burst_goes_at_once_and_the_rest_at_the_pace() -> None:
    pace = Pace(4)
    assert [pace.turn(10.0, within=60) for _ in range(7)] == [0, 0, 0, 0, 0.25, 0.5, 0.75]


def test_more_than_a_second_s_may_go_at_once_where_that_is_said() -> None:
    pace = Pace(2, burst=4)
    assert [pace.turn(10.0, within=60) for _ in range(6)] == [0, 0, 0, 0, 0.5, 1.0]


def test_a_pause_fills_the_bucket_again_and_never_over_the_burst() -> None:
    pace = Pace(4)
    for _ in range(4):
        pace.turn(0.0, within=60)
    assert [pace.turn(100.0, within=60) for _ in range(5)] == [0, 0, 0, 0, 0.25]


def test_a_turn_that_would_come_too_late_is_not_taken() -> None:
    pace = Pace(0.5)
    assert pace.turn(0.0, within=1) == 0
    assert pace.turn(0.0, within=1) is None
    assert pace.turn(0.0, within=2) == 2
    assert pace.turn(1.0, within=2) is None
    assert pace.turn(3.5, within=2) == pytest.approx(0.5)


def test_without_a_limit_nothing_waits() -> None:
    pace = Pace(0)
    assert {pace.turn(0.0, within=0) for _ in range(1000)} == {0}


def opened() -> Breaker:
    breaker = Breaker(after=3, pause=10)
    for _ in range(3):
        breaker.failed(100.0, reason="away")
    return breaker


def test_failures_in_a_row_open_it_and_others_do_not() -> None:
    breaker = Breaker(after=3, pause=10)
    for _ in range(9):
        breaker.failed(0.0, reason="away")
        breaker.failed(0.0, reason="away")
        breaker.succeeded()
    assert breaker.admits(0.0)
    assert not opened().admits(100.0)


def test_after_the_pause_one_call_tries_and_the_others_wait_for_it() -> None:
    breaker = opened()
    assert (breaker.admits(109.0), breaker.waits(109.0)) == (False, 1.0)
    assert [breaker.admits(110.0) for _ in range(3)] == [True, False, False]


def test_a_try_that_succeeds_closes_it_and_one_that_fails_begins_the_pause_anew() -> None:
    breaker = opened()
    assert breaker.admits(110.0)
    breaker.failed(115.0, reason="silent")
    assert (breaker.admits(124.0), breaker.reason) == (False, "silent")
    assert breaker.admits(125.0)
    breaker.succeeded()
    assert [breaker.admits(125.0) for _ in range(3)] == [True] * 3
    assert (breaker.failures, breaker.reason) == (0, "")


def test_a_try_that_is_given_up_lets_another_call_try() -> None:
    breaker = opened()
    assert breaker.admits(110.0)
    breaker.given_up()
    assert breaker.admits(110.0)


def test_a_server_that_came_back_is_tried_at_once() -> None:
    breaker = opened()
    breaker.came_back()
    assert [breaker.admits(101.0) for _ in range(2)] == [True, False]


def test_with_a_limit_of_zero_it_never_opens() -> None:
    breaker = Breaker(after=0, pause=10)
    for _ in range(99):
        breaker.failed(0.0, reason="away")
    assert breaker.admits(0.0)
