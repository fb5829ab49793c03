"""What is wrong with a scenario's file, in sentences that say where, what, and what is allowed."""

import difflib
from collections.abc import Iterator
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.scenario.setups import Scenario

Steps = tuple[int | str, ...]
_TITLES = ("name", "reason", "metric", "sha", "tool", "at", "cause")
_KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "time_delta_type": "a duration such as PT30M, PT2H or P9D",
    "time_delta_parsing": "a duration such as PT30M, PT2H or P9D",
}


def problems_of(error: ValidationError, raw: object) -> list[str]:
    """A sentence for each problem, each with the path to its place in `raw`."""
    found = [_sentence(each, raw) for each in error.errors()]
    return list(dict.fromkeys(found))


def path_to(steps: Steps, raw: object) -> str:
    """The place in words: items of lists are called by their name where they have one."""
    words, here = "", raw
    for step in steps:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            words += f"[{_title(here, step)}]"
        else:
            here = here.get(step) if isinstance(here, dict) else None
            words += f".{step}" if words else step
    return words


def _title(item: object, number: int) -> str:
    for key in _TITLES if isinstance(item, dict) else ():
        if isinstance(item, dict) and isinstance(item.get(key), str | int):
            return str(item[key])[:50]
    return str(number)


def _sentence(error: ErrorDetails, raw: object) -> str:
    steps: Steps = error["loc"]
    where, kind = path_to(steps, raw) or "the file", error["type"]
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "extra_forbidden":
        return f"{where}: {_no_such_key(steps)}"
    return f"{where}: {_wrong_value(error)}"


def _wrong_value(error: ErrorDetails) -> str:
    kind, given, shown = error["type"], error["input"], _shown(error["input"])
    if kind == "string_type":
        quotes = "; write it in quotes" if isinstance(given, bool | int | float) else ""
        return f"must be a text, not {shown}{quotes}"
    if kind == "literal_error":
        allowed = str(error["ctx"]["expected"]).replace(" or ", ", ")
        return f"{shown} is not allowed; allowed are {allowed}"
    if kind == "model_type":
        keys = ", ".join(_keys_at(error["loc"]))
        return f"must be a mapping, not {shown}; its keys are {keys}"
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {shown}"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, not {shown}"


def _no_such_key(steps: Steps) -> str:
    allowed = list(_keys_at(steps[:-1]))
    near = difflib.get_close_matches(str(steps[-1]), allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no such key{hint} (allowed here: {', '.join(allowed)})"


def _keys_at(steps: Steps) -> Iterator[str]:
    """The keys of the part that stands at that path."""
    kind: object = Scenario
    for step in steps:
        kind = _inside(_part(kind), step)
    part = _part(kind)
    if isinstance(part, type) and issubclass(part, BaseModel):
        yield from part.model_fields


def _part(kind: object) -> object:
    """Without the None of an optional part."""
    if get_origin(kind) in (Union, UnionType):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def _inside(kind: object, step: int | str) -> object:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        return field.annotation if field else None
    arguments = get_args(kind)
    return arguments[1 if get_origin(kind) is dict else 0] if arguments else None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if isinstance(value, bool | int | float) else repr(text[:80])
