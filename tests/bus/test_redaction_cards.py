"""Card numbers go in every form that people write; an order's id that checks by chance stays."""

import random

import pytest

from bus.cleaning import clean
from bus.redaction.tags import TAG

CARD = ("4432", "8015", "6152", "0454")


def test_ids_of_sixteen_digits_stay() -> None:
    draw = random.Random("orders")
    ids = [f"4{draw.randrange(10**15):015}" for _ in range(1_000)]
    for line in ("order {} placed", '{{"order_id": "{}", "n": 1}}', "shipped {} in 3 s"):
        lines = "\n".join(line.format(one) for one in ids)
        assert clean(lines) == lines


@pytest.mark.parametrize(
    "line",
    [
        '{"order_id": "4432801561520454", "card": "visa"}',
        "visa declined for orderId=4432801561520454",
        "wildcard 4432801561520454",
        "paymentservice-7c9f6d5b84-x2k4q: took 4432801561520454 ns",
        "card ending 0454 declined, order 4432801561520454",
    ],
)
def test_a_number_that_is_called_something_else_stays(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize(
    "between", [" ", "-", ".", "_", "\xa0", "\u202f", "\u2013", "\u2011", "%20", "+"]
)
def test_groups_as_on_a_card_go_anywhere(between: str) -> None:
    assert clean(f"got {between.join(CARD)} there") == "got [secret:card] there"
    assert clean(f"n={between.join(CARD)}") == "n=[secret:card]"


@pytest.mark.parametrize(
    "text",
    [
        "card {0}{1}{2}{3} declined",
        "card {0}{1}{2}{3} 12/2039 declined",
        "VISA: {0}{1}{2}{3}",
        "paid by {0}{1}{2}{3} (mastercard)",
        '{{"creditCard": {{"number": 1, "pan": "{0}{1}{2}{3}"}}}}',
        '{{"credit_card_number": "{0}{1}{2}{3}"}}',
        "card\t{0}\t{1}\t{2}\t{3}",
        "card {0} {1}\n{2} {3} declined",
        "card {0}{1}\n  {2}{3}\n2 tries",
    ],
)
def test_what_a_line_calls_a_card_goes_in_any_form(text: str) -> None:
    cleaned = clean(text.format(*CARD))
    plain = TAG.sub("", cleaned)
    assert not [group for group in CARD if group in plain]
    assert cleaned.count("\n") == text.count("\n")
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize("text", ["cvv 672", "CVC: 672", "cvv2 672 wrong", "cvv is 672"])
def test_a_card_verification_value_goes(text: str) -> None:
    assert "672" not in clean(f"card refused, {text}")
