"""An error is cleaned on the event loop: a server's megabyte of it must not block the service."""

import json

import pytest
from mcp_types import CallToolResult, TextContent

from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_answer import Answers
from services.toolrunner.briefly import MOST, briefly
from services.toolrunner.tool_call import MAX_ERROR, failed

A_KEY = (
    "-----BEGIN "
    + "PRIVATE KEY-----\n"
    + f"{'A1b2' * 16}\n" * 400
    + "-----END "
    + "PRIVATE KEY-----"
)


def test_what_stands_behind_the_beginning_of_a_long_error_is_not_even_cleaned() -> None:
    """A key is shown as one tag: if all were cleaned, what stands behind it would be shown."""
    said = failed(ToolFailed(f"refused {A_KEY}\nafterwards " + "password: " * 100_000)).shown
    assert said.startswith("refused [secret:pem")
    assert "A1b2" not in said
    assert "afterwards" not in said


def test_a_server_that_says_a_megabyte_fails_with_the_beginning_of_it() -> None:
    answer = CallToolResult(content=[TextContent(text="no luck " * 125_000)], is_error=True)
    with pytest.raises(ToolFailed, match=r"no luck .*of 1000000 characters is left out") as raised:
        Answers("shop", 100).text(answer)
    assert len(str(raised.value)) < MOST + 100
    assert len(failed(raised.value).shown) <= MAX_ERROR


@pytest.mark.parametrize("between", [" ", "\n", "\t"])
def test_no_word_is_cut(between: str) -> None:
    words = between.join(f"word{number}end" for number in range(2_000))
    kept = briefly(words).rpartition(" (the rest")[0]
    assert len(kept) > MOST - 20
    assert kept.endswith("end")
    assert words.startswith(kept)


def test_one_endless_word_is_left_out() -> None:
    assert briefly("x" * 9_000) == "(the rest of 9000 characters is left out)"


def test_nothing_stays_of_a_secret_that_says_behind_its_values_what_it_is() -> None:
    manifest = {"data": {"a": "aHVudGVyMg==", "b": "x" * MOST}, "kind": "Secret"}
    assert "aHV" not in briefly(f"cannot apply {json.dumps(manifest)}")
