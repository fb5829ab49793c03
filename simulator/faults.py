"""Faults on request: what the stand-ins are to do wrong, planned ahead and taken when it is due."""

import itertools
import threading
from collections.abc import Container, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.known_faults import KNOWN_FAULTS

_MOST_AMOUNT = {"parallel_calls": 1000}
"""Of faults that would otherwise fill this process's memory."""


class FaultError(Exception):
    """A fault that cannot be planned; the text says what there is instead."""


class Fault(BaseModel):
    """One thing that goes wrong in one stand-in.

    `where` holds words, all of which stand in the request line (`POST /api/chat.update`) or in what
    the stand-in says the request is about (the model: its opening and its name; Slack: channel and
    text); none means every request. Of the requests that match, the first `after` pass, the next
    `times` are struck (0: all of them, until it is cleared). `seconds` and `amount` are read by the
    fault: how long, how many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stand_in: str
    fault: str
    where: str = ""
    times: int = Field(default=1, ge=0, le=1_000_000)
    after: int = Field(default=0, ge=0, le=1_000_000)
    seconds: float | None = Field(default=None, ge=0, le=3600)
    amount: int | None = Field(default=None, ge=0, le=10_000_000)

    def matches(self, line: str) -> bool:
        """Whether every word of `where` stands in the line."""
        return all(word in line for word in self.where.split())


@dataclass
class Planned:
    """A fault with its id, how many requests matched it, and how many of those it struck."""

    id: str
    fault: Fault
    seen: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        """Whether it strikes no more."""
        return 0 < self.fault.times <= self.struck

    def listed(self) -> dict[str, object]:
        """The fault as the control address shows it."""
        counted = {"seen": self.seen, "struck": self.struck, "spent": self.spent}
        return {"id": self.id, **self.fault.model_dump(exclude_none=True), **counted}


class Faults:
    """What is planned for all stand-ins; any thread may ask. `known` names what can be planned."""

    def __init__(self, known: Mapping[str, Mapping[str, str]] = KNOWN_FAULTS) -> None:
        self.known = known
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._planned: dict[str, Planned] = {}

    def plan(self, *faults: Fault) -> list[str]:
        """All of them strike when they are due; their ids. Raises FaultError and plans none."""
        self.check(*faults)
        with self._lock:
            ids = [f"fault-{next(self._ids)}" for _ in faults]
            planned = map(Planned, ids, faults)
            self._planned |= dict(zip(ids, planned, strict=True))
        return ids

    def check(self, *faults: Fault) -> None:
        """All of them could be planned. Raises FaultError for the first that could not."""
        for fault in faults:
            names = self.known.get(fault.stand_in)
            if names is None:
                known = ", ".join(sorted(self.known))
                raise FaultError(f"no stand-in {fault.stand_in!r}: there is {known}")
            if fault.fault not in names:
                known = ", ".join(sorted(names)) or "none yet"
                raise FaultError(
                    f"{fault.stand_in} knows no fault {fault.fault!r}: there is {known}"
                )
            most = _MOST_AMOUNT.get(fault.fault)
            if most and (fault.amount or 0) > most:
                raise FaultError(f"amount: {fault.fault} takes {most:,} at most")

    def take(
        self, stand_in: str, request: str, *, about: str = "", among: Container[str] | None = None
    ) -> Fault | None:
        """The fault that strikes this request, which counts it; None when none does.

        The oldest that is due wins, and the others see nothing of this request, so that faults for
        the same requests strike one after another. Given `among`, only those can strike that the
        vendor could answer such a request with. Whoever takes one notes its name in the request
        log, as `fault`.
        """
        line = f"{request} {about}"
        with self._lock:
            for planned in self._planned.values():
                fault = planned.fault
                if fault.stand_in != stand_in or planned.spent or not fault.matches(line):
                    continue
                if among is not None and fault.fault not in among:
                    continue
                planned.seen += 1
                if planned.seen > fault.after:
                    planned.struck += 1
                    return fault
        return None

    def listed(self) -> list[dict[str, object]]:
        """Every fault planned, oldest first, with how often it struck, the spent ones too."""
        with self._lock:
            return [planned.listed() for planned in self._planned.values()]

    def clear(self, fault_id: str | None = None) -> int:
        """That fault strikes no more, or none does; how many were taken away."""
        with self._lock:
            wanted = list(self._planned) if fault_id is None else [fault_id]
            return sum(self._planned.pop(each, None) is not None for each in wanted)


def read_faults(asked: object) -> list[Fault]:
    """The fault or the list of faults that JSON or YAML holds. Raises FaultError naming a field."""
    every = asked if isinstance(asked, list) else [asked]
    try:
        return [Fault.model_validate(each) for each in every]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "a fault"
        known = ", ".join(Fault.model_fields)
        raise FaultError(f"{where}: {first['msg']} (the fields are {known})") from error
