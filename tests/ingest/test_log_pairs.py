"""Log lines of `key=value` pairs, and of others that quote what they say."""

import pytest

from services.ingest.log_levels import understood
from services.ingest.naming import service_of
from tests.ingest.test_log_batch import raised


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            'time="2026-03-09T02:14:07Z" level=error msg="payment gateway refused the card"',
            'time="2026-03-09T02:14:07Z" level=error msg="cannot reach database"',
        ),
        (
            'level=error msg="request failed" err="dial tcp 10.0.0.1:70: refused"',
            'level=error msg="request failed" err="context deadline exceeded"',
        ),
        ('level=error err="card refused: stolen"', 'level=error err="no such \\"currency\\""'),
        ('level=error reason="no route to host"', 'level=error reason="card is refused"'),
        (
            'E0309 02:14:07.518 7 reflector.go:150] "Failed to watch" err="gone"',
            'E0309 02:14:07.519 7 reflector.go:150] "Failed to list" err="gone"',
        ),
        ('ERROR [shop] "payment refused"', 'ERROR [shop] "database is away"'),
        ('{"level":"error","msg":"\'no such cart\'"}', '{"level":"error","msg":"\'is away\'"}'),
    ],
)
def test_errors_whose_message_is_quoted_are_told_apart(first: str, second: str) -> None:
    """All errors of a program that logs `msg="…"` were one incident, `msg=<*>`."""
    assert len(raised(first, second)) == 2


def test_the_same_error_in_pairs_is_one_kind_whatever_varies_in_it() -> None:
    (found,) = raised(
        'ts=2026-03-09T02:14:07Z level=error service=ads msg="order 4711 of 10.0.3.7 failed"',
        'ts=2026-03-09T02:14:09Z level=error service=ads msg="order 9 of 10.0.3.9 failed"',
    )

    assert found.alarm.name == "order <*> of <*> failed"
    assert service_of(found.alarm) == "ads"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('level=info msg="no ERROR at all"', "lower"),
        ('time="2026-03-09T02:14:07Z" level=fatal msg="x"', "critical"),
        ('2026-03-09T02:14:07Z lvl=eror msg="it was cut', "error"),
        ('msg="fine" error=""', "unstated"),
        ("a=b ERROR x", "error"),
        ("total=5 errors=0", "unstated"),
    ],
)
def test_a_level_among_pairs_is_stated(line: str, level: str) -> None:
    assert understood(line).level == level
