"""What a model means by arguments of `submit_diagnosis` that are not quite as the schema has them.

A part that is written in another form is taken for what it can only mean: a sentence for a gap, a
path for a place, JSON in a string for what it holds. A part that cannot be read is left out, and it
is said which: a diagnosis is not lost for one part of it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from services.reasoner import patches

Fields = dict[str, JsonValue]
Given = Mapping[str, JsonValue]
MOST_QUOTES = 20
CONFIDENCES = ("high", "medium", "low")
_LISTS = {"evidence": "", "ruled_out": "cause", "gaps": "what"}
"""Lists of objects, and as which field of one a plain text counts; empty: as none."""
_NEEDED = {"evidence": ("call_id", "quote"), "ruled_out": ("cause",), "gaps": ("what",)}
_OBJECTS = {"code_location": "path", "fix": "summary"}
_LINE = re.compile(r"[^\d-]{0,6}(\d{1,7})\b")


@dataclass
class Form:
    """The arguments as the schema has them, and why a part of them could not be read."""

    given: Fields
    unread: dict[str, str] = field(default_factory=dict)

    def refuse(self, part: str, why: str) -> None:
        """That part is left out."""
        self.unread.setdefault(part, why)


def read(arguments: Given) -> Form:
    """All that can be read. `verdict` and `summary`, which must be there, may be missing in it."""
    form = Form({})
    for name in ("verdict", "confidence"):
        form.given[name] = _word(arguments.get(name))
    if form.given["confidence"] not in CONFIDENCES:
        if arguments.get("confidence") is not None:
            form.refuse("confidence", f"must be one of {', '.join(CONFIDENCES)}")
        form.given["confidence"] = "low"
    for name in ("summary", "root_cause", "component"):
        form.given[name] = _text(name, arguments.get(name), form=form)
    form.given["summary"] = form.given["summary"] or form.given["root_cause"]
    for name in _LISTS:
        form.given[name] = _items(name, arguments.get(name), form=form)
    form.given["code_location"] = _place(_object("code_location", arguments, form=form), form=form)
    form.given["fix"] = _fix(_object("fix", arguments, form=form), form=form)
    return form


def _word(value: JsonValue) -> str:
    found = re.match(r"\W*(\w+)\W*\Z", value) if isinstance(value, str) else None
    return found[1].lower() if found else ""


def _text(part: str, value: JsonValue, *, form: Form) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return (", " if part == "component" else "\n").join(map(str, value))
    if isinstance(value, dict | list):
        form.refuse(part, "must be a text")
        return ""
    return "" if value is None else str(value)


def _opened(value: JsonValue) -> JsonValue:
    """What JSON in a string holds; any other value as it is."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            opened: JsonValue = json.loads(value)
            json.dumps(opened, ensure_ascii=False).encode()  # half a character is none
        except (ValueError, RecursionError):
            return value
        return opened
    return value


def _items(part: str, value: JsonValue, *, form: Form) -> list[JsonValue]:
    opened = _opened(value)
    if opened in (None, "", {}):
        return []
    listed = opened if isinstance(opened, list) else [opened]
    found: list[JsonValue] = []
    for each in map(_opened, listed):
        if isinstance(each, str) and _LISTS[part]:
            each = {_LISTS[part]: each}
        item = _item(part, each)
        if item is not None:
            found.append(item)
        elif each not in (None, ""):
            needed = " and ".join(_NEEDED[part])
            form.refuse(part, f"each of them must be an object with {needed} as texts")
    return found[:MOST_QUOTES] if part == "evidence" else found


def _item(part: str, value: JsonValue) -> Fields | None:
    """The object with its texts; None where one that it needs is none."""
    if not isinstance(value, dict):
        return None
    texts: Fields = {name: text for name, text in value.items() if isinstance(text, str)}
    return texts if all(name in texts for name in _NEEDED[part]) else None


def _object(part: str, arguments: Given, *, form: Form) -> Fields:
    """The one object that is meant; an empty one where none is given or can be read."""
    value = _opened(arguments.get(part))
    if isinstance(value, list) and len(value) == 1:
        value = _opened(value[0])
    if isinstance(value, str):
        value = {_OBJECTS[part]: value}
    if isinstance(value, dict) and (not value or _has_text(part, value)):
        return value
    if value not in (None, []):
        form.refuse(part, f"must be an object with {_OBJECTS[part]} as text")
    return {}


def _has_text(part: str, value: Given) -> bool:
    names = ("summary", "diff") if part == "fix" else (_OBJECTS[part],)
    return any(isinstance(value[name], str | list | None) for name in names if name in value)


def _place(given: Fields, *, form: Form) -> Fields | None:
    path, function = given.get("path"), given.get("function")
    if not isinstance(path, str):
        if path is not None:
            form.refuse("code_location", "its path must be a text")
        return None
    found = _LINE.match(str(given.get("line") or ""))
    line = int(found[1]) if found else 0
    named = function if isinstance(function, str) else None
    return {"path": path, "line": line or None, "function": named}


def _fix(given: Fields, *, form: Form) -> Fields | None:
    summary, diff = given.get("summary") or "", given.get("diff") or ""
    if isinstance(diff, list) and all(isinstance(line, str) for line in diff):
        diff = "\n".join(map(str, diff))
    if not isinstance(summary, str) or not isinstance(diff, str):
        form.refuse("fix", "its summary and diff must be texts")
    summary, diff = (text if isinstance(text, str) else "" for text in (summary, diff))
    if not diff and patches.holds_hunks(summary):
        summary, diff = "", summary
    if not summary.strip() and not diff.strip():
        return None
    return {"summary": summary, "diff": patches.unfenced(diff)}
