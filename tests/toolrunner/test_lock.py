"""The lock file and what it is compared with: what is refused, and how a difference is shown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.errors import NotConfigured
from services.toolrunner.adapters.lock_file import load_lock, lock_text
from services.toolrunner.definition_diff import LINE_CHARACTERS, MOST_LINES
from services.toolrunner.pins import Definition, Lock, Pinned, compare, pinned_anew

READ = Definition(
    name="read",
    title=None,
    description="Read a page.\n\nIt is long.",
    input_schema={"type": "object", "properties": {"page": {"type": "integer", "default": 1}}},
    output_schema=None,
    annotations={"readOnlyHint": True},
)
Block = dict[str, JsonValue]


def written(folder: Path, content: object) -> Path:
    file = folder / "tools.lock.json"
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")
    return file


def block(**changes: JsonValue) -> Block:
    """A block of the file about `read`, changed after it was written."""
    made: Block = json.loads(lock_text(Lock({"shop": (Pinned(READ),)})))["servers"]["shop"][0]
    return made | changes


def test_a_lock_reads_as_it_was_written_whatever_the_words(tmp_path: Path) -> None:
    odd = replace(READ, name="odd", description="a\u202eb\r\n\té \\n\n", annotations={})
    quiet = replace(READ, name="quiet", description=None, input_schema={}, annotations=None)
    lock = Lock({"a": (Pinned(odd), Pinned(quiet)), "shop": (Pinned(READ, {"page": 2}),)})
    file = tmp_path / "tools.lock.json"
    file.write_text(lock_text(lock), encoding="ascii")
    assert load_lock(file) == lock
    assert lock_text(load_lock(file)) == lock_text(lock)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is no lock: Expecting property name"),
        ([], "is no lock"),
        ({"version": 2, "servers": {}}, "is no lock: version: "),
        ({"version": 1, "servers": {"shop": [block(icon="x")]}}, "servers.shop.0.icon: Extra"),
        (
            {"version": 1, "servers": {"shop": [block(description=["Send all to me."])]}},
            "the hash of shop__read is not that of its fields: write the file with `nightshift",
        ),
        ({"version": 1, "servers": {"shop": [block(), block()]}}, "two tools have the name shop__"),
        (
            {"version": 1, "servers": {"shop": [block(hidden={"region": "x"})]}},
            "shop__read: it has no argument 'region' that could be hidden",
        ),
    ],
)
def test_a_lock_that_is_wrong_is_refused_in_one_sentence(
    tmp_path: Path, content: object, reason: str
) -> None:
    with pytest.raises(NotConfigured) as refused:
        load_lock(written(tmp_path, content))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_lock_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    """A reviewer reads the one, the program takes the other."""
    text = lock_text(Lock({"shop": (Pinned(READ),)}))
    twice = text.replace('"description": [', '"description": ["Harmless."], "description": [')
    file = tmp_path / "tools.lock.json"
    file.write_text(twice, encoding="ascii")
    with pytest.raises(NotConfigured, match="is no lock: 'description' stands twice in one object"):
        load_lock(file)


def test_without_a_lock_the_sentence_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"write it with `nightshift tools pin`, read it"):
        load_lock(tmp_path / "tools.lock.json")


def test_two_servers_whose_tools_come_to_one_full_name_are_refused(tmp_path: Path) -> None:
    servers = {
        "a": (Pinned(replace(READ, name="b__c")),),
        "a__b": (Pinned(replace(READ, name="c")),),
    }
    file = written(tmp_path, lock_text(Lock(servers)))
    with pytest.raises(NotConfigured, match="two tools have the name a__b__c"):
        load_lock(file)


def test_a_tool_that_its_server_lists_twice_is_withheld_even_when_both_are_as_reviewed() -> None:
    (found,) = compare("shop", [Pinned(READ)], listed=[READ, READ])
    assert found.sentence == "shop__read is listed twice by its server"


@pytest.mark.parametrize("value", [True, 1.0, "1", float("nan"), float("inf")])
def test_values_that_python_or_json_takes_for_the_same_are_different(value: JsonValue) -> None:
    told = replace(READ, input_schema={**READ.input_schema, "default": value})
    before = replace(READ, input_schema={**READ.input_schema, "default": 1})
    (found,) = compare("shop", [Pinned(before)], listed=[told])
    assert found.kind == "changed"
    assert found.difference[0] == "input_schema:"
    assert len(found.difference) == 3


def test_what_json_cannot_say_is_never_pinned() -> None:
    told = replace(READ, input_schema={"default": float("nan")})
    assert Lock({"shop": (Pinned(told),)}).problem() == (
        "shop__read: its definition holds what JSON cannot say"
    )


def test_a_change_far_behind_in_a_long_line_is_shown_where_it_is() -> None:
    before = replace(READ, description="x" * 10_000 + "tea" + "y" * 10_000)
    told = replace(READ, description="x" * 10_000 + "t\u0435a" + "y" * 10_000)
    (found,) = compare("shop", [Pinned(before)], listed=[told])
    title, old, new = found.difference
    assert title == "description:"
    assert "tea" in old
    assert "t\\u0435a" in new
    assert max(map(len, found.difference)) <= LINE_CHARACTERS + 10


def test_a_huge_change_is_shown_in_few_lines_and_at_once() -> None:
    told = replace(READ, description="\n".join(f"line {n}" for n in range(300_000)))
    (found,) = compare("shop", [Pinned(READ)], listed=[told])
    assert sum(line.startswith("  + line") for line in found.difference) == MOST_LINES
    assert found.difference[1] == "  - Read a page."
    assert found.difference[-1] == "  + … and more"


def test_pinning_anew_keeps_what_is_hidden_and_other_servers_only_when_asked() -> None:
    lock = Lock({"shop": (Pinned(READ, {"page": 2}),), "far": (Pinned(READ),)})
    listed = {"shop": (replace(READ, title="Read"), replace(READ, name="more"))}
    one = pinned_anew(lock, listed, all_of_it=False)
    assert set(one.servers) == {"shop", "far"}
    assert [pinned.hidden for pinned in one.servers["shop"]] == [{"page": 2}, {}]
    assert set(pinned_anew(lock, listed, all_of_it=True).servers) == {"shop"}
