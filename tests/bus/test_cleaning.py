"""Untrusted text loses what cannot be seen and what must not be kept."""

import base64

import pytest

from bus.cleaning import clean, clean_counted


def made(*parts: str) -> str:
    """A fake secret, put together here so that no scanner finds it in the file."""
    return "".join(parts)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("a\u202eb\u2066c", "abc"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("bell\x07 nul\x00 c1\x9b", "bell nul c1"),
        ("kept\ttab\nand newline", "kept\ttab\nand newline"),
        ("e\u0301", "é"),
        ("line\r\n", "line\n"),
    ],
)
def test_invisible_characters_are_stripped(given: str, wanted: str) -> None:
    assert clean(given) == wanted


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("github", made("gh", "p_", "a1B2" * 9)),
        ("slack", made("xo", "xb-", "1234567890-abcdefghij")),
        ("anthropic", made("sk-", "ant-", "api03-" + "x" * 24)),
        ("aws", made("AK", "IA", "ABCDEFGHIJKLMNOP")),
        (
            "jwt",
            made(
                "ey",
                "J",
                base64.b64encode(b"x" * 12).decode().rstrip("="),
                ".abcdefghij.klmnopqrst",
            ),
        ),
        ("pem", made("-----BEGIN ", "PRIVATE KEY-----\nabc\n", "-----END PRIVATE KEY-----")),
    ],
)
def test_secret_becomes_a_stable_tag(kind: str, secret: str) -> None:
    cleaned = clean_counted(f"before {secret} after")
    assert secret not in cleaned.text
    assert cleaned.redactions == 1
    assert cleaned.text.startswith(f"before [secret:{kind}:")
    assert cleaned.text == clean(f"before {secret} after")


@pytest.mark.parametrize(
    "line", ["password={}", 'db_password: "{}"', "API_KEY = {}", "redis://u:{}@host"]
)
def test_value_of_a_secret_name_is_redacted_and_the_name_stays(line: str) -> None:
    cleaned = clean(line.format("hunter2hunter2"))
    assert "hunter2" not in cleaned
    assert cleaned.startswith(line.split("{", maxsplit=1)[0][:6])


@pytest.mark.parametrize(
    "line",
    [
        "10.0.4.17:6379 refused",
        "TraceID: f0f21b3342f101d546c957d98fa122f6 SpanID: a2156fd44d5b411a",
        "user 72330e75-125e-4f5e-a858-eb9ba89727f8 added AAAAAAAAA4",
        "commit 34ffea9175946982c3088ed84994fe6019ad6e92",
    ],
)
def test_what_is_evidence_stays(line: str) -> None:
    assert clean(line) == line


def test_cleaning_twice_changes_nothing_more() -> None:
    once = clean("password=hunter2hunter2 \x1b[1mand token: abcdefghijk\u200b")
    assert clean(once) == once
