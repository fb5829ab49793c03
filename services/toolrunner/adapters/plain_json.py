"""JSON files of people: no name stands twice in an object, for readers would differ over it."""

import json
from typing import Any


def plain_json(text: str | bytes) -> Any:
    """What the text says. Raises ValueError where it is no JSON, or a name stands twice."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:100]!r} stands twice in one object")
        found[name] = value
    return found
