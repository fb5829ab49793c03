"""The Redis protocol, version 2 and 3, cut into whole commands and replies."""

from collections.abc import Callable

Value = object
"""bytes, int, float, bool, None, a list of values, or Error; a map is the list of its parts."""


class Incomplete(Exception):
    """More bytes are needed."""


class Error(str):
    """An error reply."""

    __slots__ = ()


class Pushed(list[Value]):
    """Something that the server said unasked."""


def parse(buffer: bytes, at: int) -> tuple[Value, int]:
    """The value that begins there, and where it ends. Raises Incomplete or ValueError."""
    end = buffer.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    kind, line = buffer[at : at + 1], buffer[at + 1 : end]
    if kind in _BULK:
        return _bulk(buffer, line, end + 2)
    if kind in _PARTS:
        return _many(buffer, kind, int(line), at=end + 2)
    if kind not in _PLAIN:
        raise ValueError(f"this is no RESP: {buffer[at : at + 40]!r}")
    return _PLAIN[kind](line), end + 2


def _bulk(buffer: bytes, line: bytes, at: int) -> tuple[Value, int]:
    size = int(line)
    if size < 0:
        return None, at
    if len(buffer) < at + size + 2:
        raise Incomplete
    return buffer[at : at + size], at + size + 2


def _many(buffer: bytes, kind: bytes, count: int, *, at: int) -> tuple[Value, int]:
    if count < 0:
        return None, at
    values: list[Value] = Pushed() if kind == b">" else []
    for _ in range(count * _PARTS[kind]):
        value, at = parse(buffer, at)
        values.append(value)
    if kind == b"|":  # attributes come before the value that they belong to
        return parse(buffer, at)
    return values, at


def _error(line: bytes) -> Value:
    return Error(line.decode("utf-8", "replace"))


def _text(line: bytes) -> Value:
    return line


def _nothing(_line: bytes) -> Value:
    return None


_BULK = (b"$", b"=", b"!")
_PARTS = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
_PLAIN: dict[bytes, Callable[[bytes], Value]] = {
    b"+": _text,
    b"-": _error,
    b":": int,
    b",": float,
    b"(": int,
    b"#": lambda line: line == b"t",
    b"_": _nothing,
}
