"""Arguments of a tool call: a secret by its own form is refused, a question about one is not."""

import base64
import json
import random

import pytest

from bus.cleaning import holds_secret
from tests.bus.planted_secrets import PUBLISHED, pem

DRAW = random.Random("arguments")


@pytest.mark.parametrize(
    "arguments",
    [
        {"filter_pattern": "token=" + "abc123def"},
        {"end_time": "4432801561520454"},
        {"query": "password: " + "str0ng-example"},
        {"filter_pattern": '{ $.auth = "basic" && $.password = "*" }'},
        {"query": "Authorization: Bearer", "namespace": "boutique"},
    ],
)
def test_a_search_for_names_and_numbers_holds_no_secret(arguments: dict[str, str]) -> None:
    assert not holds_secret(json.dumps(arguments))


@pytest.mark.parametrize(
    "secret",
    [
        PUBLISHED["github"](DRAW),
        PUBLISHED["jwt"](DRAW),
        pem(DRAW),
        "redis://:" + "hunter2hunter2@cart:6379/0",
        "Server=db;User ID=shop;Password=" + "hunter2hunter2;Encrypt=True",
        "root:" + "hunter2@tcp(db:3306)/orders",
        base64.b64encode(f"key: {PUBLISHED['stripe'](DRAW)}\n".encode()).decode(),
        base64.b64encode(b"url: amqp://shop:" + b"hunter2hunter2@queue:5672\n").decode(),
    ],
)
def test_a_secret_by_its_own_form_is_one(secret: str) -> None:
    assert holds_secret(json.dumps({"query": f"who has {secret}", "lines": 5}))
