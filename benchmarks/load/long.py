"""A scenario of so many turns, each with a call of its own, made of the cart scenario's world."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from simulator.scenario import load_scenario

SOURCE = Path(__file__).parents[2] / "simulator" / "scenarios" / "cart-loafers.yaml"
_MAPPING: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
FILE = "src/cartservice/src/cartstore/RedisCartStore.cs"
SAID = (
    "Nothing of that explains the errors yet: what was shown is as it should be, and it began "
    "before the first failure. I keep both hypotheses, the store and the code that calls it, and "
    "look at the next thing that would tell them apart."
)


def write_long(folder: Path, turns: int) -> Path:
    """The scenario file; its diagnosis comes in turn `turns`."""
    raw = _MAPPING.validate_python(yaml.safe_load(SOURCE.read_text(encoding="utf-8")))
    raw["name"] = "long"
    calls = list(_calls())
    if len(calls) < turns - 1:
        raise ValueError(f"only {len(calls)} calls are known, {turns - 1} are needed")
    # The same words again and again would be taken for going in circles.
    raw["script"]["turns"] = [
        {"text": f"Step {number}. {SAID}", "calls": [one]}
        for number, one in enumerate(calls[: turns - 1], start=1)
    ]
    file = folder / "long.yaml"
    file.write_text(json.dumps(raw), encoding="utf-8")  # every JSON text is YAML
    return file


def _calls() -> Iterator[dict[str, object]]:
    """Calls that differ: what an engineer would look at in a boutique, one thing after another."""
    cluster = load_scenario("cart-loafers").cluster
    where = {"namespace": cluster.namespace}
    yield {"tool": "kubernetes__list_pods", "arguments": where}
    pod = {"pod": "{pod:cartservice}", "tail_lines": 1000}
    yield {"tool": "kubernetes__get_logs", "arguments": where | pod}
    yield {"tool": "github__get_file_contents", "arguments": {"path": FILE}}
    yield {"tool": "github__list_commits", "arguments": {"path": FILE, "limit": 5}}
    yield {"tool": "kubernetes__list_events", "arguments": where}
    for workload in cluster.workloads:
        named = {"kind": "Deployment", "name": workload.name}
        yield {"tool": "kubernetes__describe_workload", "arguments": where | named}
        logs = {"pod": f"{{pod:{workload.name}}}", "tail_lines": 200}
        yield {"tool": "kubernetes__get_logs", "arguments": where | logs}
