import base64
import gzip
import json
import zlib
from datetime import UTC, datetime

import pytest

from bus.cleaning import clean
from bus.errors import Rejected
from services.ingest.log_batch import MAX_ATTACHED, MAX_KINDS, OTHERS, read
from services.ingest.log_levels import understood
from services.ingest.log_unpacking import MAX_BYTES
from services.ingest.naming import service_of
from services.ingest.trigger import Ignored, Raised
from tests.ingest.bodies import ACCOUNT, log_lines, packed


def raised(*lines: str, **changes: object) -> list[Raised]:
    found = read(packed(log_lines(*lines, **changes)), clean=clean)
    return [one for one in found if isinstance(one, Raised)]


def lines_of(found: Raised) -> list[str]:
    return found.attachments["lines"].split("\n")


def test_the_errors_of_a_batch_become_one_incident_for_each_kind() -> None:
    found = raised(
        "ERROR order 4711 of 10.0.3.7:6379 failed after 3.5 s",
        "INFO order 4712 placed",
        "ERROR order 9 of 10.0.3.9:6379 failed after 12 s",
        'ERROR no product "OLJCESPC7Z" in the catalogue',
    )

    assert [one.alarm.name for one in found] == [
        "order <*> of <*> failed after <*> s",
        "no product <*> in the catalogue",
    ]
    assert [len(lines_of(one)) for one in found] == [2, 1]


def test_an_incident_says_who_wrote_what_and_since_when() -> None:
    (found,) = raised("INFO fine", "ERROR lost the cart", "CRITICAL lost the cart")

    alarm = found.alarm
    assert (found.kind, found.severity) == ("logs", "critical")
    assert (alarm.account, alarm.region) == (ACCOUNT, "logs")
    assert alarm.changed_at == datetime(2026, 3, 9, 2, 14, 8, tzinfo=UTC)
    assert alarm.labels["log_group"] == "/shop/checkoutservice"
    assert alarm.labels["log_stream"] == "checkoutservice-578fcf4766-9csqn"
    assert alarm.reason == "lost the cart"
    assert lines_of(found) == ["ERROR lost the cart", "CRITICAL lost the cart"]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"severity":"error","message":"x"}', "error"),
        ('{"Severity":"ERROR","message":"x"}', "error"),
        ('{"LEVEL":"Fatal","msg":"x"}', "critical"),
        ('{"level":50,"msg":"x","pid":1,"hostname":"h"}', "error"),
        ('{"level":60,"msg":"x"}', "critical"),
        ('{"level":40,"msg":"error in the past"}', "lower"),
        ('{"version":"1.1","short_message":"x","level":3}', "error"),
        ('{"severityNumber":17,"body":"x"}', "error"),
        ('{"levelno":40,"message":"x"}', "error"),
        ('{"log":{"level":"error"},"message":"x"}', "error"),
        ('{"log":"[ERROR] inside","kubernetes":{"pod_name":"ads-1"}}', "error"),
        ('{"log":"{\\"level\\":\\"error\\",\\"msg\\":\\"x\\"}"}', "error"),
        ('{"severity":"info","message":"ERROR is a word"}', "lower"),
        ('{"message":"x","exception":{"type":"IOError"}}', "error"),
        ('2026-03-09T02:14:07.5Z stderr F {"level":"error","msg":"x"}', "error"),
        ("[ERROR] x", "error"),
        ("05:19:19.544 ERROR - x", "error"),
        ("[12:00:01 FTL] x", "critical"),
        ('time="2026-03-09T02:14:07Z" level=error msg="x"', "error"),
        ("2026/03/09 02:14:07 [crit] 7#7: *1 x", "critical"),
        ("fail: Grpc.AspNetCore.Server.ServerCallHandler[6]", "error"),
        ("E0309 02:14:07.518 7 reflector.go:150] x", "error"),
        ("2026-03-09T02:14:07.518Z\t0c1d-22\tERROR\tInvoke Error", "error"),
        ("FATAL:  password authentication failed", "critical"),
        ("java.lang.IllegalStateException: no cart", "error"),
        ("Unhandled exception. System.InvalidOperationException: x", "error"),
        ("panic: runtime error: index out of range", "critical"),
        ("0c1d-22 Task timed out after 3.00 seconds", "error"),
        ("INFO 0 errors, no ERROR", "lower"),
        ("WARN retrying after IOException: reset", "lower"),
        ("an error page was shown", "unstated"),
        ("GET /error 500", "unstated"),
        ("GetCartAsync called with userId=72330e75", "unstated"),
        ("", "unstated"),
    ],
)
def test_the_level_is_read_in_every_style(line: str, level: str) -> None:
    assert understood(line).level == level


def test_a_stack_belongs_to_the_error_before_it() -> None:
    (found,) = raised(
        "2026-03-09 02:14:07 ERROR c.s.Cart : cannot save the cart",
        "java.lang.IllegalStateException: no connection",
        "\tat shop.Cart.save(Cart.java:42)",
        "Caused by: java.net.ConnectException: refused",
        "\t... 12 more",
        "2026-03-09 02:14:08 INFO c.s.Cart : tries again",
    )

    assert found.alarm.name == "c.s.Cart : cannot save the cart"
    assert len(lines_of(found)) == 5


def test_a_python_traceback_is_called_by_its_exception() -> None:
    first, second = raised(
        "Traceback (most recent call last):",
        '  File "app.py", line 3, in <module>',
        "    main()",
        "ValueError: no such currency",
        "KeyError: 'EUR'",
    )

    assert first.alarm.name == "ValueError: no such currency"
    assert len(lines_of(first)) == 4
    assert second.alarm.name == "KeyError: <*>"


def test_an_error_field_makes_the_kind_more_precise() -> None:
    (found,) = raised('{"level":"error","msg":"request failed","error":"dial tcp 10.0.0.1:70"}')

    assert found.alarm.name == "request failed: dial tcp <*>"


@pytest.mark.parametrize(
    ("line", "changes", "service"),
    [
        ('{"level":"error","msg":"x","service":"ads"}', {}, "ads"),
        ('{"level":"error","msg":"x","resource":{"service.name":"ads"}}', {}, "ads"),
        ('{"log":"ERROR x","kubernetes":{"labels":{"app":"ads"},"pod_name":"y"}}', {}, "ads"),
        ("ERROR x", {}, "checkoutservice"),
        ("ERROR x", {"logStream": "ecs/cart/0123456789abcdef0123456789abcdef"}, "cart"),
        (
            "ERROR x",
            {"logStream": "host-application.var.log.containers.ads-5f6585d649-fnmft_shop_server-"}
            | {"logStream": "ads-5f6585d649-fnmft_shop_server-" + "0" * 64 + ".log"},
            "ads",
        ),
        (
            "ERROR x",
            {"logGroup": "/aws/lambda/thumbs", "logStream": "2026/03/09/[$LATEST]0"},
            "thumbs",
        ),
        ("ERROR cannot reach paymentservice", {"logGroup": "/ads/prod", "logStream": "1"}, "ads"),
        (
            '{"level":50,"msg":"x","name":"ads","pid":1,"hostname":"h"}',
            {"logGroup": "/aws/containerinsights/prod/application", "logStream": "1"},
            "ads",
        ),
    ],
)
def test_the_service_is_the_program_that_wrote_the_line(
    line: str, changes: dict[str, object], service: str
) -> None:
    (found,) = raised(line, **changes)

    assert service_of(found.alarm) == service


def test_the_catalogue_knows_better_than_a_stream_how_a_service_is_called() -> None:
    (found,) = raised("ERROR lost paymentservice")

    assert service_of(found.alarm, ["paymentservice", "checkout-service"]) == "checkout-service"


def test_a_batch_without_errors_is_ignored_with_its_count() -> None:
    (found,) = read(packed(log_lines("INFO a", "b", "")), clean=clean)

    assert found == Ignored("3 log lines of /shop/checkoutservice, none of them an error")


def test_a_control_message_is_ignored() -> None:
    (found,) = read(packed(log_lines("ERROR x", messageType="CONTROL_MESSAGE")), clean=clean)

    assert isinstance(found, Ignored)


@pytest.mark.parametrize(
    "data",
    [
        packed(log_lines("ERROR x")),
        packed(log_lines("ERROR x")).encode(),
        gzip.compress(log_lines("ERROR x").encode(), mtime=0),
        zlib.compress(log_lines("ERROR x").encode()),
        base64.b64encode(zlib.compress(log_lines("ERROR x").encode())).decode(),
        log_lines("ERROR x"),
        log_lines("ERROR x").encode(),
        gzip.compress(log_lines("INFO y").encode(), mtime=0)
        + gzip.compress(log_lines("ERROR x").encode(), mtime=0),
    ],
)
def test_a_batch_is_read_however_it_is_packed(data: bytes | str) -> None:
    found = read(data, clean=clean)

    assert isinstance(found[-1], Raised)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("%%%", "cannot be unpacked"),
        ("", "cannot be unpacked|holds nothing"),
        (packed(log_lines("x"))[:-40], "cannot be unpacked|its end is missing"),
        (base64.b64encode(b"plain").decode(), "cannot be unpacked"),
        (packed("{"), "not JSON"),
        (packed("[1]"), "no DATA_MESSAGE"),
        (packed("{}"), "no DATA_MESSAGE"),
        (packed(log_lines("x", logEvents="none")), "no DATA_MESSAGE"),
        (gzip.compress(b"\xff\xfe{", mtime=0), "not text"),
        (packed('{"a":' * 20_000), "nested|not JSON"),
    ],
)
def test_what_is_no_batch_is_rejected_with_a_reason(data: bytes | str, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        read(data, clean=clean)


def test_a_bomb_is_rejected_before_it_is_unpacked() -> None:
    with pytest.raises(Rejected, match="larger than"):
        read(zlib.compress(b"{" + b" " * 2 * MAX_BYTES, level=1), clean=clean)


def test_lines_keep_their_order_and_are_bounded_and_told() -> None:
    many = [f"ERROR number {number} " + "x" * 1000 for number in range(100)]
    (found,) = raised(*many)

    lines = lines_of(found)
    assert lines[:2] == many[:2]
    assert lines[-1] == f"({100 - (len(lines) - 1)} more lines are left out)"
    assert len(found.attachments["lines"]) < MAX_ATTACHED + 100


def test_a_secret_over_several_lines_is_taken_out_of_the_lines() -> None:
    word = "PRIVATE " + "KEY"
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
    (found,) = raised(
        "ERROR bad key", f" -----BEGIN {word}-----", f" {body}", f" -----END {word}-----"
    )

    assert body not in found.attachments["lines"]
    assert "ERROR bad key" in found.attachments["lines"]


def test_kinds_beyond_the_bound_are_one_more_incident() -> None:
    words = [f"{first}{second}" for first in "abcdefgh" for second in "klmnopqr"]
    found = raised(*(f"ERROR lost {word}" for word in words))

    assert len(found) == MAX_KINDS + 1
    assert found[-1].alarm.name == OTHERS
    assert len(lines_of(found[-1])) == len(words) - MAX_KINDS


def test_the_same_batch_twice_names_the_same_incident() -> None:
    batch = packed(log_lines('{"level":"error","msg":"x","n":1}'))

    assert read(batch, clean=clean) == read(batch, clean=clean)
    assert json.loads(log_lines("x"))["messageType"] == "DATA_MESSAGE"
