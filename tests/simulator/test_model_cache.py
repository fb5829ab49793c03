"""How the scripted model accounts for the prompt cache, with a clock that the test turns."""

import json
from dataclasses import dataclass

import pytest

from simulator.model.shapes import Prompt, parse
from simulator.model.usage import PromptCache, Usage, prompt_tokens, tokens
from tests.simulator.model_talk import MODEL

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "x" * 7000


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def prompt(*blocks: dict[str, object], **fields: object) -> Prompt:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": list(blocks)}]}
    return parse(json.dumps(asked | fields).encode(), Prompt)


def text(words: str, mark: dict[str, str] | None = None) -> dict[str, object]:
    block: dict[str, object] = {"type": "text", "text": words}
    return block | {"cache_control": mark} if mark else block


def test_a_prefix_is_written_once_and_read_afterwards() -> None:
    cache = PromptCache(Clock())
    first = cache.account(prompt(text(LONG, MARK), text("one")))
    second = cache.account(prompt(text(LONG, MARK), text("another")))
    assert first.read == 0
    assert first.written_5m == second.read > 2000
    assert second.written_5m == 0
    assert 0 < second.input_tokens < 30
    assert first.total == prompt_tokens(prompt(text(LONG), text("one")))


def test_a_changed_byte_before_the_breakpoint_is_written_again() -> None:
    cache = PromptCache(Clock())
    cache.account(prompt(text(LONG, MARK)))
    changed = cache.account(prompt(text(LONG + "y", MARK)))
    assert changed.read == 0
    assert changed.written_5m > 0


@pytest.mark.parametrize(("mark", "seconds"), [(MARK, 300), (HOUR, 3600)])
def test_an_entry_holds_for_its_time_after_its_last_use(mark: dict[str, str], seconds: int) -> None:
    clock = Clock()
    cache = PromptCache(clock)
    asked = prompt(text(LONG, mark))
    first = cache.account(asked)
    assert (first.written_5m == 0) == (mark is HOUR)
    for _ in range(2):
        clock.now += seconds - 1
        assert cache.account(asked).read == first.total
    clock.now += seconds + 1
    assert cache.account(asked).read == 0


def test_less_than_1024_tokens_are_not_cached() -> None:
    cache = PromptCache(Clock())
    asked = prompt(text("x" * 3000, MARK))
    assert prompt_tokens(asked) < 1024
    for _ in range(2):
        assert cache.account(asked) == Usage(prompt_tokens(asked))


def test_an_entry_is_found_twenty_blocks_back_and_no_further() -> None:
    for between, found in ((19, True), (20, False)):
        cache = PromptCache(Clock())
        cache.account(prompt(text(LONG, MARK)))
        more = [text(f"line {number}") for number in range(between - 1)]
        usage = cache.account(prompt(text(LONG), *more, text("end", MARK)))
        assert (usage.read > 0) == found, between


def test_the_later_breakpoint_pays_only_for_what_lies_between() -> None:
    cache = PromptCache(Clock())
    tool = {"name": "look", "description": LONG, "input_schema": {"type": "object"}}
    tools = {"tools": [tool | {"cache_control": HOUR}]}
    usage = cache.account(prompt(text(LONG, MARK), text("new"), **tools))
    assert usage.written_1h > 2000
    assert usage.written_5m > 2000
    again = cache.account(prompt(text("other"), **tools))
    assert again.read == usage.written_1h


def test_another_tool_choice_spoils_messages_but_not_tools() -> None:
    cache = PromptCache(Clock())
    tool = {"name": "look", "description": LONG, "input_schema": {"type": "object"}}
    tools = {"tools": [tool | {"cache_control": MARK}]}
    cache.account(prompt(text(LONG, MARK), **tools))
    usage = cache.account(prompt(text(LONG, MARK), tool_choice={"type": "none"}, **tools))
    assert 2000 < usage.read < usage.total - 2000


def test_the_marker_of_the_whole_request_stands_at_its_last_block() -> None:
    cache = PromptCache(Clock())
    cache.account(prompt(text(LONG), cache_control=MARK))
    assert cache.account(prompt(text(LONG), text("more"), cache_control=MARK)).read > 2000


def test_tokens_are_characters_by_three_and_a_half_rounded_up() -> None:
    assert [tokens(count) for count in (0, 1, 7, 8)] == [0, 1, 2, 3]
