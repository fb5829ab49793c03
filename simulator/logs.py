"""Writing the logs of a scenario: the same lines for the same seed, whenever they are asked for."""

import hashlib
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from simulator.scenario import LogSetup, ScenarioError
from simulator.scenario.parts import MOST_LINES

_FIELD = re.compile(r"\{(hex16|hex32|uuid|product|int)\}")
_TIMES = re.compile(r"\{(time|clock)\}")
_PRODUCTS = (
    "OLJCESPC7Z",
    "66VCHSJNUP",
    "1YMWWN1N4O",
    "L9ECAV7KIM",
    "2ZYFJ3GM2N",
    "0PUK6V6EV0",
    "LS4PSXUNUM",
    "9SIQT8TOJO",
    "6E92ZMYYFZ",
)


def write_log(setup: LogSetup, now: datetime) -> list[str]:
    """Exactly `setup.lines` lines, oldest first; only the times depend on `now`.

    Raises ScenarioError when a placed text does not fit, or when there is nothing to fill up with.
    """
    placed = _placed_lines(setup)
    lines = []
    for number in range(1, setup.lines + 1):
        draws = hashlib.blake2b(f"{setup.seed}:{number}".encode()).digest()
        text = placed.get(number)
        lines.append(_filled(_background(setup, draws) if text is None else text, draws))
    if not (setup.stamped or any(_TIMES.search(line) for line in lines)):
        return lines
    timed = zip(line_times(setup, now), lines, strict=True)
    return [_timed(line, at, stamped=setup.stamped) for at, line in timed]


def line_times(setup: LogSetup, now: datetime) -> list[datetime]:
    """When each line was written: evenly over `setup.span`, the last one now."""
    return [
        now - setup.span * ((setup.lines - number) / setup.lines)
        for number in range(1, setup.lines + 1)
    ]


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with nanoseconds, as container runtimes write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def check_logs(logs: dict[str, LogSetup], wanted: Sequence[str]) -> None:
    """Every wanted log exists and can be written; raises ScenarioError with its name otherwise."""
    for name in wanted:
        if name not in logs:
            raise ScenarioError(f"there is no log {name!r} in the cluster's logs")
    for name, setup in logs.items():
        try:
            _placed_lines(setup)
        except ScenarioError as error:
            raise ScenarioError(f"log {name!r}: {error}") from error


def _placed_lines(setup: LogSetup) -> dict[int, str]:
    if setup.span < timedelta(0):
        raise ScenarioError("span must not be negative")
    placed: dict[int, str] = {}
    if sum(each.times * (each.text.count("\n") + 1) for each in setup.placed) > MOST_LINES:
        raise ScenarioError(f"more than {MOST_LINES:,} lines are placed")
    for text in setup.placed:
        for turn in range(text.times):
            start = text.at + turn * text.every
            placed |= dict(enumerate(text.text.splitlines(), start=start))
    last = max(placed, default=0)
    if last > setup.lines:
        raise ScenarioError(f"a placed text reaches line {last} of {setup.lines}")
    if not setup.background and len(placed) < setup.lines:
        raise ScenarioError(f"{setup.lines - len(placed)} lines have no background to draw from")
    return placed


def _background(setup: LogSetup, draws: bytes) -> str:
    # A line is a function of seed and number alone, so no line moves when another is placed.
    return setup.background[int.from_bytes(draws[:4], "big") % len(setup.background)]


def _filled(text: str, draws: bytes) -> str:
    for index, field in enumerate(_FIELD.findall(text)):
        text = text.replace("{" + field + "}", _draw(field, draws, index=index), 1)
    return text


def _timed(line: str, at: datetime, *, stamped: bool) -> str:
    moment = rfc3339(at)
    line = line.replace("{time}", moment).replace("{clock}", moment[11:23])
    return f"{moment} {line}" if stamped else line


def _draw(field: str, draws: bytes, *, index: int) -> str:
    fresh = hashlib.blake2b(draws, salt=index.to_bytes(4, "big"), digest_size=16).digest()
    if field == "hex16":
        return fresh[:8].hex()
    if field == "hex32":
        return fresh.hex()
    if field == "uuid":
        return str(uuid.UUID(bytes=fresh, version=4))
    if field == "product":
        return _PRODUCTS[fresh[0] % len(_PRODUCTS)]
    return str(int.from_bytes(fresh[:4], "big") % 1000)
