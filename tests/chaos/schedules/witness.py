"""Who watches a schedule: what was done, by whom, on what knowledge, and whether it was allowed."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bus.connection import as_text
from bus.dead_letter import ALONE
from bus.streams import Keys
from services.reasoner.rules import Rules
from services.reasoner.turn import Request
from tests.chaos.schedules.cast import usage
from tests.chaos.schedules.gate import Step, Task
from tests.chaos.schedules.survey import GROUPS, SEEN, Survey, invalid
from tests.chaos.schedules.wire import Wire, Word

SHOWN_STEPS = 400
ALLOWED = re.compile("its owner died or froze|investigation .* never came")
"""Why an entry may be set aside here: too many deaths, or an update that outwaited the deadline."""


class Witness:
    """Sees every step that is taken; `wrong` holds what must not have happened."""

    def __init__(self, wire: Wire, keys: Keys, rules: Rules) -> None:
        self.survey = Survey(wire, keys)
        self.wrong: list[str] = []
        self._wire = wire
        self._rules = rules
        self._told: list[tuple[str, str]] = []
        self._touched: set[str] = {keys.deadlines}
        self._costs: dict[str, float] = {}
        self._results: dict[tuple[str, str], object] = {}
        self._ended: dict[str, int] = {}
        self._notices: dict[str, Callable[[Task, Step, Any], None]] = {
            "HGETALL": self._reads,
            "start_call": self._starts,
            "reserve": self._reserves,
            "model": self._asks,
            "tool": self._calls,
            "store_result": self._stores,
            "HINCRBY": self._fails,
        }

    def tell(self, who: str, what: str = "") -> None:
        """Note what the schedule did."""
        self._told.append((who, what))

    def touches(self, *keys: str) -> None:
        """These keys are the schedule's, and go with it."""
        self._touched.update(keys)

    @property
    def steps(self) -> int:
        """How much was done so far."""
        return len(self._told)

    @property
    def story(self) -> str:
        """The last steps, one a line."""
        return "\n".join(f"  {who}: {what}" for who, what in self._told[-SHOWN_STEPS:])

    def question(self) -> Sequence[Word]:
        """What is new in Redis?"""
        return self.survey.question()

    def sees(self, task: Task, step: Step, *, reply: Any, found: Any = None) -> None:
        """A step was taken; the model's reply is the tokens that it billed."""
        self.tell(task.name, f"{step.name} -> {reply}" if step.writes else step.name)
        self._touched.update(_keys(step))
        notice = self._notices.get(step.name)
        if notice is not None:
            notice(task, step, reply)
        if step.writes:
            self.looks(found)

    def looks(self, found: Any) -> None:
        """Take in what is new in Redis, and what is wrong with it."""
        self.wrong += self.survey.read(found)
        for inv, view in self.survey.views.items():
            if view.state == "ended":
                self._ended.setdefault(inv, len(self._told))

    def at_end(self) -> Iterator[str]:
        """What does not hold after everything that was left to do has been done."""
        for stream, group in GROUPS:
            if left := self.survey.owned(stream, group):
                yield f"left over for {group} on {stream.name}: {left}"
        for inv in self.survey.investigations:
            view = self.survey.views.get(inv)
            if view is None or view.state != "ended":
                yield f"{inv} never ended: {view}"
        for (key, call_id), whole in self._results.items():
            if self._wire("HGET", key, f"{call_id}:whole") != whole:
                yield f"the first stored result of {call_id} does not stand"
        yield from self._dead_letters()
        yield from self._leftovers()

    def clear(self) -> None:
        """Delete every key that was touched."""
        self._wire("UNLINK", *self._keys())

    def _reads(self, task: Task, step: Step, _reply: Any) -> None:
        self._looked(task, as_text(step.args[1]))

    def _starts(self, task: Task, step: Step, _reply: Any) -> None:
        self._looked(task, as_text(step.args[3]))
        task.stood = bool(self._wire("HEXISTS", step.args[5], f"{step.args[6]}:whole"))

    def _reserves(self, task: Task, step: Step, _reply: Any) -> None:
        task.reservation = as_text(step.args[4])
        self._costs[task.reservation] = 0.0

    def _asks(self, task: Task, step: Step, tokens: Any) -> None:
        request: Request = step.args[0]
        self._works(task, "asks the model")
        self.wrong += invalid([*request.history, request.message])
        cost = self._rules.prices.cost_usd(self._rules.model, usage(tokens)) if tokens else 0.0
        self._costs[task.reservation] = cost or 0.0

    def _calls(self, task: Task, _step: Step, _reply: Any) -> None:
        self._works(task, "calls a tool")
        if task.stood:
            self.wrong.append(f"{task.name} calls again although the result stood")

    def _stores(self, _task: Task, step: Step, _reply: Any) -> None:
        self._results.setdefault((as_text(step.args[3]), as_text(step.args[7])), step.args[8])

    def _fails(self, task: Task, step: Step, _reply: Any) -> None:
        if as_text(step.args[2]).endswith(ALONE):
            return  # counts a last chance, which fails nothing
        # errors are counted where the error is being handled
        self.wrong.append(f"{task.name} failed by itself: {sys.exc_info()[1]!r}")

    def _looked(self, task: Task, key: str) -> None:
        if key.endswith(":record"):
            task.looked = len(self._told)
            task.investigation = key.removeprefix(self.survey.keys.prefix).removesuffix(":record")

    def _works(self, task: Task, what: str) -> None:
        """Nobody works who looked after the end."""
        ended = self._ended.get(task.investigation)
        if ended is not None and task.looked > ended:
            self.wrong.append(f"{task.name} {what} after {task.investigation} ended")

    def _dead_letters(self) -> Iterator[str]:
        for stream, _ in GROUPS:
            for _, fields in self._wire("XRANGE", self.survey.keys.dead(stream), "-", "+"):
                letter = json.loads(fields[fields.index(b"data") + 1])
                if not ALLOWED.match(letter["reason"]):
                    yield f"an entry of {stream.name} was set aside: {letter['reason']}"

    def _leftovers(self) -> Iterator[str]:
        keys = self.survey.keys
        if due := self._wire("ZRANGE", keys.deadlines, 0, -1):
            yield f"ended, and still in the deadlines: {due}"
        touched = sorted(self._keys())
        kinds = self._wire.many([("TYPE", key) for key in touched])
        times = self._wire.many([("TTL", key) for key in touched])
        for key, kind, seconds in zip(touched, kinds, times, strict=True):
            if kind != b"stream" and seconds == -1:
                yield f"{key} stays for ever"
        yield from self._money([key for key in touched if key.startswith(f"{keys.prefix}spend:")])

    def _money(self, days: list[str]) -> Iterator[str]:
        """What was billed is noted as spent, but for reservations whose process died."""
        spent: dict[str, float] = {}
        for flat in self._wire.many([("HGETALL", day) for day in days]):
            for name, usd in zip(map(as_text, flat[::2]), flat[1::2], strict=True):
                spent[name] = spent.get(name, 0.0) + float(usd)
        total = spent.pop("spent", 0.0)
        settled = math.fsum(usd for name, usd in self._costs.items() if name not in spent)
        if not math.isclose(total, settled, abs_tol=1e-9):
            yield f"{total} dollars are noted as spent, billed were {settled}"

    def _keys(self) -> set[str]:
        keys = self.survey.keys
        streams = {keys.stream(stream) for stream in SEEN} | {keys.dead(s) for s, _ in GROUPS}
        return self._touched | streams


def _keys(step: Step) -> Iterator[str]:
    if step.name == "TIME" or not step.args or not isinstance(step.args[0], str):
        return
    if step.args[0] == "EVALSHA":
        yield from map(as_text, step.args[3 : 3 + int(as_text(step.args[2]))])
    else:
        yield as_text(step.args[1])
