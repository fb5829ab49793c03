"""Which attacks are run: all, those of some channels, goals or templates, or a sample of them."""

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from cli.redteaming.strings import texts_below
from simulator.redteam import Attack, all_attacks

DOJO = "agentdojo"
DOJO_SUITE = ("v1.2.2", "workspace")
DOJO_ATTACKS = (
    "direct",
    "ignore_previous",
    "system_message",
    "injecagent",
    "important_instructions_no_names",
    "tool_knowledge",
)
DOJO_WORDS = {
    "{goal}": "{order}",
    "{user}": "the operator",
    "{model}": "the assistant",
    "{tools}": "Use your tools.",
}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The attacks of a run, the seed that drew them, and which sources gave none and why."""

    attacks: tuple[Attack, ...]
    seed: int
    skipped: tuple[str, ...]


class NoCase(Exception):
    """What was asked for names no attack; the text says which names there are."""


def choose(
    wanted: Mapping[str, Sequence[str]], *, sample: int, seed: int, strings: Path | None
) -> Chosen:
    """The attacks that have one of the `wanted` values in every field that it names.

    Raises NoCase for a value that no attack has, BadStrings for a folder without good texts.
    """
    free = texts_below(strings) if strings else []
    skipped = "" if strings else "texts of others: no --strings folder was given"
    more, why = _dojo()
    attacks = everything = all_attacks(free, more)
    for name, values in wanted.items():
        known = dict.fromkeys(str(getattr(attack, name)) for attack in everything)
        for value in values:
            if value not in known:
                raise NoCase(f"there is no {name} {value!r}; there is {', '.join(known)}")
        attacks = [attack for attack in attacks if getattr(attack, name) in (values or known)]
    if not attacks:
        raise NoCase("no attack has all of these; leave one of the options out")
    chosen = attacks if sample in (0, len(attacks)) else covering(attacks, sample, seed=seed)
    return Chosen(attacks=tuple(chosen), seed=seed, skipped=tuple(filter(None, (skipped, why))))


def covering(attacks: Sequence[Attack], count: int, *, seed: int) -> list[Attack]:
    """At most so many of them, in which every channel, goal and template stands if so many can."""
    pool = sorted(attacks, key=lambda attack: _drawn(seed, attack.marker))
    chosen: list[Attack] = []
    seen: set[str] = set()
    while pool and len(chosen) < count:
        best = max(pool, key=lambda attack: len(_parts(attack) - seen))
        if not _parts(best) - seen:
            seen.clear()
            continue
        pool.remove(best)
        chosen.append(best)
        seen |= _parts(best)
    return chosen


def _drawn(seed: int, name: str) -> bytes:
    """Sorted by this, names stand in an order that looks like chance and is the seed's own."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _parts(attack: Attack) -> set[str]:
    return {f"channel {attack.channel}", f"goal {attack.goal}", f"template {attack.template}"}


def _dojo() -> tuple[dict[str, str], str]:
    """AgentDojo's own templates by name, where the package is installed, and why there are none."""
    try:
        attacks = importlib.import_module(f"{DOJO}.attacks")
        suites = importlib.import_module(f"{DOJO}.task_suite")
    except ImportError as error:
        return {}, f"the templates of AgentDojo: {error}"
    suite = suites.get_suite(*DOJO_SUITE)
    found: dict[str, str] = {}
    for name in DOJO_ATTACKS:
        # It asks its pipeline for nothing but a name that holds a model's.
        made = attacks.load_attack(name, suite, SimpleNamespace(name="local"))
        text = " ".join(str(made.jailbreak).split())
        for word, ours in DOJO_WORDS.items():
            text = text.replace(word, ours)
        found[f"{DOJO}-{name.replace('_', '-')}"] = text
    return found, ""
