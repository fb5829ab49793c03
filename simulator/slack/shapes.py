"""A small language for what a JSON value must look like; it words its findings as Slack does."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_URL_CHARACTERS = 3000
WEB = ("http", "https")


def units(text: str) -> int:
    """The length of a text in UTF-16 units: Slack does not say how it counts, and this is most."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and the JSON pointer of where."""

    text: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.text} [json-pointer:{self.pointer}]"


class Shape(ABC):
    """What one JSON value must look like."""

    @abstractmethod
    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Everything wrong with `value`, which stands at `pointer`; nothing when it fits."""


@dataclass(frozen=True)
class Text(Shape):
    """A string of `shortest` to `longest` characters, one of `words` when there are any."""

    longest: int | None = None
    shortest: int = 0
    words: tuple[str, ...] = ()

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type, wrong length, or a word that is not in the list."""
        if not isinstance(value, str):
            yield Finding("must be a string", pointer)
        elif self.words and value not in self.words:
            yield Finding(f"unsupported type: {value}", pointer)
        elif any("\ud800" <= character <= "\udfff" for character in value):
            yield Finding("must be valid unicode", pointer)
        elif len(value) < self.shortest:
            yield Finding(f"must be more than {self.shortest - 1} characters", pointer)
        elif self.longest is not None and units(value) > self.longest:
            yield Finding(f"must be less than {self.longest + 1} characters", pointer)


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type."""
        if not isinstance(value, bool):
            yield Finding("must be a boolean", pointer)


@dataclass(frozen=True)
class Whole(Shape):
    """A whole number from `least` to `most`."""

    least: int = 0
    most: int = 2**53

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type or out of range."""
        if not isinstance(value, int) or isinstance(value, bool):
            yield Finding("must be an integer", pointer)
        elif not self.least <= value <= self.most:
            yield Finding(f"must be from {self.least} to {self.most}", pointer)


@dataclass(frozen=True)
class Url(Shape):
    """A web or mail address of at most 3,000 characters."""

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type, too long, or no address."""
        if not isinstance(value, str):
            yield Finding("must be a string", pointer)
        elif len(value) > MAX_URL_CHARACTERS:
            yield Finding(f"must be less than {MAX_URL_CHARACTERS + 1} characters", pointer)
        elif not _is_url(value):
            yield Finding("must be a valid URL", pointer)


@dataclass(frozen=True)
class Items(Shape):
    """A list of `fewest` to `most` values of one shape."""

    of: Shape
    most: int | None = None
    fewest: int = 0

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type, wrong number, or something wrong in one of them."""
        if not isinstance(value, list):
            yield Finding("must be an array", pointer)
            return
        if len(value) < self.fewest:
            yield Finding(f"no fewer than {self.fewest} items allowed", pointer)
        if self.most is not None and len(value) > self.most:
            yield Finding(f"no more than {self.most} items allowed", pointer)
        for number, item in enumerate(value):
            yield from self.of.findings(item, f"{pointer}/{number}")


@dataclass(frozen=True)
class Record(Shape):
    """An object with these keys and no others; of `some_of`, when given, at least one is there."""

    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    some_of: tuple[str, ...] = ()

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """Wrong type, a missing key, a key Slack does not know, or something wrong in a value."""
        if not isinstance(value, dict):
            yield Finding("must be an object", pointer)
            return
        for name in self.required:
            if name not in value:
                yield Finding(f"missing required field: {name}", pointer)
        if self.some_of and not any(name in value for name in self.some_of):
            yield Finding(f"missing required field: {' or '.join(self.some_of)}", pointer)
        known = {"type": Text(), **self.required, **self.optional}
        for name, part in value.items():
            if name not in known:
                yield Finding(f"invalid additional property: {name}", pointer)
            else:
                yield from known[name].findings(part, f"{pointer}/{name}")


@dataclass(frozen=True)
class OneOf(Shape):
    """An object whose `type` says which of several shapes it has."""

    shapes: Mapping[str, Shape]

    def findings(self, value: object, pointer: str) -> Iterator[Finding]:
        """No type, a type that is not allowed here, or what is wrong with that type's shape."""
        if not isinstance(value, dict):
            yield Finding("must be an object", pointer)
        elif "type" not in value:
            yield Finding("missing required field: type", pointer)
        elif not isinstance(value["type"], str) or value["type"] not in self.shapes:
            yield Finding(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            yield from self.shapes[value["type"]].findings(value, pointer)


def _is_url(text: str) -> bool:
    """Whether it is an address without blanks, of a web host where it is one of the web."""
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname if parts.scheme in WEB else "any"
    except ValueError:
        return False
    return bool(host) and text.lower().startswith(("https://", "http://", "mailto:", "slack://"))
