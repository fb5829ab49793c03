"""Many incidents that a misbehaving model investigates, and what a stand-in's log says they cost.

The money is counted here from what the stand-in answered, not from what the services noted.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast

from bus.events import DiagnosisReached, InvestigationId
from bus.record import Record
from bus.streams import DIAGNOSES
from bus.testing import events, eventually
from simulator.model import build_model
from simulator.model.unruly import Kind, note_for, unruly
from simulator.request_log import RequestLog
from tests.reasoner.conftest import LOGS, Loop, MakeLoop
from tests.reasoner.model_desk import KEY

USD_PER_TOKEN = {
    "input_tokens": 2.0e-6,
    "cache_read_input_tokens": 0.10e-6,
    "ephemeral_5m_input_tokens": 2.5e-6,
    "ephemeral_1h_input_tokens": 4.0e-6,
    "output_tokens": 10.0e-6,
}
"""List prices of claude-sonnet-5-5, written down once more."""
OTHER_TOOL = "kubernetes__list_pods"
SETTINGS: dict[str, Any] = {
    "deadline_seconds": 600.0,
    "max_turns": 12,
    "max_tool_calls": 40,
    "max_parallel_calls": 5,
    "max_tokens": 1_000_000,
    "max_cost_usd": 1.0,
    "max_day_cost_usd": 10_000.0,
    "max_reply_tokens": 8192,
}
_NUMBERS = itertools.count(1000)
_CASE = re.compile(r"\bcase-\d+\b")


@dataclass
class Bill:
    """What the requests of one incident were, by the stand-in's log."""

    requests: int = 0
    turns: set[tuple[bool, int]] = field(default_factory=set)
    """Whether it was told to conclude, and how long the conversation was: a retry is no turn."""
    tokens: int = 0
    usd: float = 0.0
    last_tokens: int = 0
    """Worst case of its conclude turns, by what was sent."""
    last_usd: float = 0.0

    def add(self, line: dict[str, Any], *, most: int) -> None:
        """One answered request; a reply may have had `most` tokens."""
        usage = line["usage"] | line["usage"]["cache_creation"]
        prompt = sum(usage[name] for name in USD_PER_TOKEN if name != "output_tokens")
        self.requests += 1
        self.turns.add((bool(line["concludes"]), int(line["messages"])))
        self.tokens += prompt + usage["output_tokens"]
        self.usd += sum(usage[name] * price for name, price in USD_PER_TOKEN.items())
        if line["concludes"]:
            self.last_tokens += prompt + most
            self.last_usd += prompt * 4.0e-6 + most * 10.0e-6


@dataclass
class Ran:
    """Incidents that have all ended, and what became of each."""

    settings: dict[str, Any]
    kinds: dict[str, Kind]
    records: dict[str, Record]
    bills: dict[str, Bill]
    told: Counter[str]
    """Outcomes on the stream, by incident."""
    calls: Counter[str]
    at_once: int
    """Most calls of one turn that went out."""
    statuses: set[object] = field(default_factory=set)

    @property
    def usd(self) -> float:
        """All that was spent."""
        return sum(bill.usd for bill in self.bills.values())

    def over(self) -> list[str]:
        """Every limit that did not hold, in words; empty where all of them held."""
        said = [self._over(case, record) for case, record in self.records.items()]
        found = [words for each in said for words in each]
        if self.at_once > self.settings["max_parallel_calls"]:
            found.append(f"{self.at_once} calls of one turn went out")
        if self.statuses - {200}:
            found.append(f"the model was asked wrongly: {self.statuses}")
        return found

    def _over(self, case: str, record: Record) -> Iterable[str]:
        bill, limits = self.bills.get(case, Bill()), self.settings
        if record.state != "ended" or self.told[case] != 1:
            yield f"{case}: {record.state}, {self.told[case]} outcomes"
        last = sum(concludes for concludes, _ in bill.turns)
        if len(bill.turns) - last > limits["max_turns"] or last > 2:
            yield f"{case}: {len(bill.turns)} turns, {last} of them to conclude"
        if self.calls[case] > limits["max_tool_calls"]:
            yield f"{case}: {self.calls[case]} calls"
        if bill.usd > limits["max_cost_usd"] + bill.last_usd:
            yield f"{case}: ${bill.usd:.3f}, of which ${bill.last_usd:.3f} may conclude"
        if bill.tokens > limits["max_tokens"] + bill.last_tokens:
            yield f"{case}: {bill.tokens} tokens"


async def unruly_loop(
    make_loop: MakeLoop, *, folder: Path, draw: Random, settings: dict[str, Any]
) -> "Cast":
    """A reasoner, or several, whose model is as unruly as each incident says."""
    model = {name: settings.pop(name) for name in ("thinks", "flood") if name in settings}
    replicas, answer = settings.pop("replicas", 1), settings.pop("answer_lines", 10)
    log = RequestLog(folder / f"{draw.getrandbits(32):08x}.jsonl")
    app = build_model(
        unruly(seed=draw.getrandbits(32), **model),
        log,
        api_key=KEY,
        seconds_per_reply=settings.pop("seconds_per_reply", 0.0),
    )
    all_settings = SETTINGS | settings
    loop = await make_loop(app=app, tools=(LOGS, OTHER_TOOL), replicas=replicas, **all_settings)
    lines = [f"{n} {draw.getrandbits(128):032x} cart refused" for n in range(answer)]
    loop.answers[LOGS] = "\n".join(lines)
    return Cast(loop=loop, log=log, settings=all_settings)


@dataclass
class Cast:
    """A running reasoner with such a model."""

    loop: Loop
    log: RequestLog
    settings: dict[str, Any]

    async def investigate(self, *kinds: Kind) -> Ran:
        """One incident for each of them, all at once, until every one has ended."""
        cases = {f"case-{next(_NUMBERS)}": kind for kind in kinds}
        for case, kind in cases.items():
            summary = f"HTTP 500, {case}"
            await self.loop.open(incident_id=case, summary=summary, note=note_for(kind))
        records = {case: await self._ended(case) for case in cases}
        return self._ran(cases, records, await self._told(list(cases)))

    async def _ended(self, case: str) -> Record:
        async def met() -> Record | None:
            record = await self.loop.bus.investigations.read(InvestigationId(case))
            return record if record is not None and record.state == "ended" else None

        found = await eventually(met, 300)
        assert found is not None
        return found

    async def _told(self, cases: Sequence[str]) -> Counter[str]:
        reached = await events(self.loop.bus, DIAGNOSES)
        told = [each.investigation_id for each in reached if isinstance(each, DiagnosisReached)]
        return Counter(str(case) for case in told if case in cases)

    def _ran(self, kinds: dict[str, Kind], records: dict[str, Record], told: Counter[str]) -> Ran:
        bills: dict[str, Bill] = defaultdict(Bill)
        statuses: set[object] = set()
        for line in cast(list[dict[str, Any]], self.log.read("model")):
            found = _CASE.search(line["opening"])
            if found is None or found[0] not in records:
                continue
            statuses.add(line["status"])
            if line["status"] == 200:
                bills[found[0]].add(line, most=self.settings["max_reply_tokens"])
        out = [call for call in self.loop.called if call.investigation_id in records]
        turns = Counter((call.investigation_id, call.turn) for call in out)
        return Ran(
            settings=self.settings,
            kinds=kinds,
            records=records,
            bills=dict(bills),
            told=told,
            calls=Counter(str(call.investigation_id) for call in out),
            at_once=max(turns.values(), default=0),
            statuses=statuses,
        )
