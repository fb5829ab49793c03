"""A log line's level is where formats put it, and nowhere that a stranger can write.

Requests for `/CRITICAL/alpha` opened twenty critical incidents by the access log of a web server.
"""

import pytest

from services.ingest.log_levels import understood
from tests.ingest.test_log_batch import raised

ESCAPE = "\x1b"


@pytest.mark.parametrize(
    "line",
    [
        '10.0.0.1 - - [30/Nov/2026:11:00:00 +0000] "GET /CRITICAL/alpha HTTP/1.1" 404',
        '10.0.0.1 - x [30/Nov/2026:11:00:00 +0000] CRITICAL x HTTP/1.1" 404',
        '10.0.0.1 404 "FATAL"',
        '10.0.0.1 404 "GET / HTTP/1.1" "level=FATAL"',
        "10.0.0.1 404 /a1/FATAL curl",
        "2026-11-30T11:00:00Z 404 /a FATAL curl",
        "2026-11-30T11:00:00Z https://shop.example/ FATAL",
        "GET /x?level=CRITICAL HTTP/1.1",
        "GET /FATAL FATAL HTTP/1.1",
        '{"request":"GET /FATAL HTTP/1.1","status":404}',
        '{"action":"BLOCK","httpRequest":{"uri":"/?q=ERROR FATAL"}}',
        '{"msg":"GET /FATAL FATAL error","status":404}',
        '10.0.0.1 404 "Segmentation fault"',
        "10.0.0.1 404 /OutOfMemory",
        '10.0.0.1 404 "?x=java.lang.FooException: "',
        "user said: FATAL nonsense",
        "Compiled with 0 ERROR and 1 WARNING",
        "build finished: ERROR count = 0",
        "0 ERROR found",
    ],
)
def test_words_of_requests_quotes_json_values_and_prose_state_no_level(line: str) -> None:
    assert understood(line).level == "unstated"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("11:00:00.123 [main] ERROR com.x - msg", "error"),
        ("2026-11-30 11:00:00,123 ERROR [main] x", "error"),
        ("2026-11-30 11:00:00,123 - app - ERROR - boom", "error"),
        ("2026-11-30 11:00:00,123 main ERROR Unable", "error"),
        ("2026-11-30 11:00:00.123 | ERROR    | __main__:f:1 - m", "error"),
        ("2026-11-30T11:00:00Z\terror\tapp/main.go:5\tcould not", "error"),
        ("2026-11-30 11:00:00 UTC:10.0.0.1(5432):app@orders:[123]:ERROR:  x", "error"),
        ("2026-11-30 11:00:00 UTC::@:[123]:FATAL:  x", "critical"),
        ("2026-11-30T11:00:00.1Z 8 [Warning] [MY-1] [Server] ERROR", "lower"),
        ("2026-11-30T11:00:00.1Z 8 [ERROR] [MY-1] [InnoDB] Disk full", "error"),
        ("E, [2026-11-30T11:00:00.1 #1] ERROR -- : boom", "error"),
        ("ERROR:root:msg", "error"),
        ("[2026-11-30 11:00:00 +0000] [7] [ERROR] msg", "error"),
        ("[2026-11-30 11:00:00,123: ERROR/ForkPoolWorker-1] x", "error"),
        ("[Mon Nov 30 11:00:00.1 2026] [core:error] [pid 1] x", "error"),
        ("Nov 30 11:00:00 host app[123]: ERROR x", "error"),
        ("Nov 30 11:00:00 host app: ERROR x", "error"),
        ("app_1  | ERROR x", "error"),
        ("cart [ERROR] lost", "error"),
        ("Error: listen EADDRINUSE", "error"),
        ("*** FATAL: x", "critical"),
        ('{"level":"error","msg":"cut o', "error"),
        ("Mar 9, 2026 2:14:07 AM shop.Cart save\nSEVERE: lost", "error"),
        ("2026-11-30 11:00:00 INFO user said FATAL", "lower"),
    ],
)
def test_a_level_behind_time_thread_and_logger_is_read(line: str, level: str) -> None:
    assert understood(line).level == level


@pytest.mark.parametrize(
    "line",
    [
        f"11:00:00.000 {ESCAPE}[31mERROR{ESCAPE}[0;39m {ESCAPE}[35m1{ESCAPE}[0;39m --- x : boom",
        f"{ESCAPE}[31merror{ESCAPE}[39m: payment failed",
        '{"log":"\\u001b[31mERROR\\u001b[0m boom"}',
    ],
)
def test_colours_hide_no_level(line: str) -> None:
    """Coloured logs of Spring Boot, zap and winston were ignored."""
    assert understood(line).level == "error"


@pytest.mark.parametrize(
    ("line", "is_said"),
    [
        ("CRITICAL the cart is lost", False),
        ("F0309 02:14:07.518 1 cart.go:1] the cart is lost", False),
        ("panic: runtime error", False),
        ("cart: Segmentation fault", True),
        ("search for OutOfMemory found nothing", True),
        ('{"level":"fatal","msg":"x"}', False),
        ("level=fatal msg=x", False),
        ("ERROR x", False),
    ],
)
def test_what_only_words_say_to_be_critical_is_marked(line: str, is_said: bool) -> None:
    """A level at the head of a line is its program's own word, as one in a field is."""
    (found,) = raised(line)

    assert found.is_only_said == is_said


@pytest.mark.parametrize(
    "line",
    [
        "ERROR login failed for user {}",
        "ERROR user {} not found",
        "ERROR no such account: {}",
        "ERROR cannot charge customer={} today",
        "ERROR mail to {}@shop.example bounced",
        "ERROR password is wrong for {}",
        "ERROR access denied by id {}",
    ],
)
def test_who_it_was_about_makes_no_other_kind(line: str) -> None:
    """One wrong password for each of 23 people was 19 investigations."""
    assert len(raised(*(line.format(name) for name in ("alice", "bob", "carol")))) == 1


def test_errors_that_say_something_else_are_still_told_apart() -> None:
    said = ("user service is down", "user not found", "no route for payments", "no rates from ads")

    assert len(raised(*(f"ERROR {each}" for each in said))) == len(said)


@pytest.mark.parametrize("piece", ["1", "a.b", "[ ", "1 ", "a=1 ", "- a ", '"', "GET ", "((", "a|"])
def test_a_head_without_end_is_read_in_no_time(piece: str) -> None:
    assert understood(piece * 2500 + " ERROR").level == "unstated"
