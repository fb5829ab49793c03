"""The service catalogue: which services there are and what they call, a stable part of the prompt.

A TOML file that ingest reads too, for the names: `services = ["cartservice"]`, or with more to tell

    [services.cartservice]
    calls = ["redis-cart"]
    path = "src/cartservice"
    owner = "shop"
    runbook = "https://wiki.example/cart"
    logs = "JSON severity"

Its channels (`channel` of a service, the table `channels`) are the notifier's, and not told.
"""

import tomllib
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bus.errors import NotConfigured

MOST_CHARACTERS = 20_000
"""Of the text in the prompt: every request pays for it."""
MOST_OF_WORD = 200


def _visible(text: str) -> str:
    if not text or len(text) > MOST_OF_WORD or not text.isprintable():
        raise ValueError(f"must be 1 to {MOST_OF_WORD} characters on one line, all of them visible")
    return text


def _one_word(text: str) -> str:
    if " " in text:
        raise ValueError("must be one word, without blanks")
    return _visible(text)


Word = Annotated[str, AfterValidator(_one_word)]
Words = Annotated[str, AfterValidator(_visible)]


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    calls: list[Word] = []
    path: Word = ""
    owner: Words = ""
    runbook: Words = ""
    logs: Words = ""
    channel: str = ""


class _Names(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    services: list[Word]
    channels: dict[str, object] = {}


class _Tables(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    services: dict[Word, _Service]
    channels: dict[str, object] = {}


def service_catalogue(text: str) -> str:
    """The catalogue in a TOML text as the model reads it: a line each, by name; empty for none.

    Raises NotConfigured with what is wrong in it.
    """
    try:
        read = tomllib.loads(text)
        tables = isinstance(read.get("services"), dict)
        given = (_Tables if tables else _Names).model_validate(read).services
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        said = first["msg"].removeprefix("Value error, ")
        raise NotConfigured(f"{where!a}: {said}") from None
    except tomllib.TOMLDecodeError as error:
        raise NotConfigured(str(error)) from None
    services = given if isinstance(given, dict) else {name: _Service() for name in given}
    told = _told(services)
    if len(told) > MOST_CHARACTERS:
        raise NotConfigured(f"it is {len(told)} characters long, more than {MOST_CHARACTERS}")
    return told


def names_in(told: str) -> frozenset[str]:
    """The names of the services in a catalogue as the model reads it, and of what they call."""
    lines = told.split("\n")[1:]
    called = (line.rpartition(" -> ")[2] for line in lines if " -> " in line)
    names = (name for each in called for name in each.split(", "))
    return frozenset([*(line.split(" ", 1)[0] for line in lines), *names])


def _told(services: Mapping[str, _Service]) -> str:
    if not services:
        return ""
    form = " {its log}" if any(each.logs for each in services.values()) else ""
    head = f"Services: name [repository path] owner, runbook{form} -> what it calls"
    return "\n".join([head, *(_line(name, services[name]) for name in sorted(services))])


def _line(name: str, service: _Service) -> str:
    path = f" [{service.path}]" if service.path else ""
    people = ", ".join(word for word in (service.owner, service.runbook) if word)
    logs = f" {{{service.logs}}}" if service.logs else ""
    calls = f" -> {', '.join(service.calls)}" if service.calls else ""
    return f"{name}{path}{f' {people}' if people else ''}{logs}{calls}"
