"""The service catalogue: which services there are and what they call, a stable part of the prompt.

A TOML file that ingest reads too, for the names: `services = ["cartservice"]`, or with more to tell

    [services.cartservice]
    calls = ["redis-cart"]
    path = "src/cartservice"
    owner = "shop"
    runbook = "https://wiki.example/cart"
"""

import tomllib
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bus.errors import NotConfigured

MOST_CHARACTERS = 20_000
"""Of the text in the prompt: every request pays for it."""
Word = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]{1,200}$")]
Words = Annotated[str, StringConstraints(pattern=r"^[^\n\r\x00-\x1f]{1,200}$")]


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    calls: list[Word] = []
    path: Word = ""
    owner: Words = ""
    runbook: Words = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    services: dict[Word, _Service] | list[Word]


def service_catalogue(text: str) -> str:
    """The catalogue in a TOML text as the model reads it: a line each, by name; empty for none.

    Raises NotConfigured with what is wrong in it.
    """
    try:
        given = _File.model_validate(tomllib.loads(text)).services
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotConfigured(f"{where}: {first['msg']}") from None
    except tomllib.TOMLDecodeError as error:
        raise NotConfigured(str(error)) from None
    services = given if isinstance(given, dict) else {name: _Service() for name in given}
    told = _told(services)
    if len(told) > MOST_CHARACTERS:
        raise NotConfigured(f"it is {len(told)} characters long, more than {MOST_CHARACTERS}")
    return told


def names_in(told: str) -> frozenset[str]:
    """The names of the services in a catalogue as the model reads it."""
    return frozenset(line.split(" ", 1)[0] for line in told.split("\n")[1:])


def _told(services: Mapping[str, _Service]) -> str:
    if not services:
        return ""
    head = "Services: name [repository path] owner, runbook -> what it calls"
    return "\n".join([head, *(_line(name, services[name]) for name in sorted(services))])


def _line(name: str, service: _Service) -> str:
    path = f" [{service.path}]" if service.path else ""
    people = ", ".join(word for word in (service.owner, service.runbook) if word)
    calls = f" -> {', '.join(service.calls)}" if service.calls else ""
    return f"{name}{path}{f' {people}' if people else ''}{calls}"
