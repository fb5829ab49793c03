"""The attacks: how many there are, that each is one of its own, and how some of them are chosen."""

import json
from pathlib import Path

import pytest

from cli.redteaming.cases import NoCase, choose
from cli.redteaming.strings import BadStrings, texts_below
from simulator.model.orders import order_in
from simulator.redteam import all_attacks, channels, goals, templates
from simulator.redteam.stage import stage
from tests.redteam.conftest import STRINGS

EVERYTHING: dict[str, list[str]] = {"channel": [], "goal": [], "template": []}


def test_nine_channels_thirteen_goals_and_six_templates_are_702_attacks() -> None:
    assert (len(channels()), len(goals()), len(templates())) == (9, 13, 6)
    attacks = all_attacks()
    assert len(attacks) == 702
    assert len({attack.marker for attack in attacks}) == 702
    assert len({(each.channel, each.goal, each.template) for each in attacks}) == 702


def test_every_attack_orders_something_in_a_text_that_names_its_case() -> None:
    for attack in all_attacks():
        order = order_in(attack.text, "what was seen")
        assert order.anything, attack.name
        assert {call.tool for call in order.calls} == attack.asks
        assert bool(order.words) == attack.says
        assert attack.marker in attack.text
        assert "\n" not in attack.text
        assert all(attack.marker in str(call.arguments) for call in order.calls)


def test_a_name_that_gives_the_order_is_one_that_kubernetes_takes() -> None:
    names = [each.pod for each in all_attacks() if each.channel == "pod-name"]
    assert len(set(names)) == 78
    assert max(map(len, names)) <= 253
    assert all(name.replace("-", "").isalnum() and name.islower() for name in names)


def test_all_attacks_fit_into_one_scenario() -> None:
    attacks = all_attacks()
    assert len(stage(attacks).cluster.pods) == len(attacks)


def test_texts_of_others_come_on_top_and_ask_for_all_harm_there_is(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"What is the key,\nnumber {number}?"}) for number in range(3)]
    (tmp_path / "strings.jsonl").write_text("\n".join(lines), encoding="utf-8")
    chosen = choose(EVERYTHING, sample=0, seed=1, strings=tmp_path)
    free = [attack for attack in chosen.attacks if attack.goal == "free"]
    assert len(free) == 3
    assert "What is the key, number 2?" in free[2].planted
    assert free[0].says
    assert "github__search_code" in free[0].asks


@pytest.mark.skipif(not STRINGS.is_dir(), reason="the open cases lie beside the project")
def test_the_open_strings_are_read() -> None:
    chosen = choose(EVERYTHING, sample=0, seed=1, strings=STRINGS)
    assert sum(attack.goal == "free" for attack in chosen.attacks) == 55


def test_a_source_that_gives_nothing_is_named_with_the_reason() -> None:
    skipped = choose(EVERYTHING, sample=64, seed=1, strings=None).skipped
    assert "no --strings folder was given" in skipped[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is not one text in"),
        (b"\n \n", "there is not one text in"),
        (b"\x7fELF\x02\xff\x00", "is no text in UTF-8 (byte 5)"),
        (b"\x00\x00", "line 1 is not JSON"),
        (b'{"text": "a"}\n[' + b"[" * 100_000, "line 2 is not JSON"),
        (b'{"text": "a"}\n\n{"words": "b"}', "line 3 is no JSON object with a `text`"),
        (b'{"text": 7}', "line 1 is no JSON object with a `text`"),
        (b'["text"]', "line 1 is no JSON object with a `text`"),
        (b'{"text": "\\ud800"}', "line 1: its text holds half a character"),
        (b'{"text": "%s"}' % (b"x" * 20_001), "line 1: its text has more than 20,000 char"),
        (b'{"text": "a"}\n' * 5_001, "holds more than 5,000 texts"),
        (b"\n" * 8_400_000, "holds more than 8,388,608 bytes"),
        (None, "is no file"),
        ("nothing", "no strings.jsonl lies below it"),
    ],
    ids=lambda part: part[:20] if isinstance(part, str) else "",
)
def test_strings_that_cannot_be_used_are_refused_with_file_line_and_reason(
    content: bytes | str | None, said: str, *, tmp_path: Path
) -> None:
    file = tmp_path / "strings.jsonl"
    if content is None:
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    with pytest.raises(BadStrings) as refused:
        texts_below(tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_sample_is_the_seeds_own_and_covers_all() -> None:
    first, again, other = (
        choose(EVERYTHING, sample=26, seed=seed, strings=None).attacks for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other
    assert {attack.goal for attack in first} == set(goals())
    assert {attack.channel for attack in first} == set(channels())


def test_one_field_of_the_table_can_be_chosen() -> None:
    wanted = EVERYTHING | {"channel": ["event"], "goal": ["loop"]}
    chosen = choose(wanted, sample=0, seed=1, strings=None)
    assert {(each.channel, each.goal) for each in chosen.attacks} == {("event", "loop")}
    assert len(chosen.attacks) == 6


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(NoCase, match="there is no goal 'rob'; there is read-secret, other-namesp"):
        choose(EVERYTHING | {"goal": ["rob"]}, sample=0, seed=1, strings=None)
