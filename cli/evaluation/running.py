"""Running benches: several incidents at once over one stack, each graded as it ends."""

import json
import tempfile
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bus.errors import NotConfigured
from bus.settings import BusSettings
from bus.streams import INCIDENTS, Keys
from cli.evaluation.jobs import Bench, Job
from cli.evaluation.reading import answer_of, read_record, read_steps
from cli.evaluation.scorecard import Scored
from cli.evaluation.scoring import score
from cli.stack import Plan, Stack, StackFailed, call, running_stack
from simulator.cases.cast import write_cast
from simulator.redis_server import NoRedis

POLL_SECONDS = 0.1
AFTER_DEADLINE_SECONDS = 30.0
"""How long past its deadline an investigation is waited for: the sweep has ended it by then."""
SCRIPTED_SECONDS = 0.05
OUR_SETTINGS: dict[str, str] = {
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
    "NIGHTSHIFT_MCP_SERVERS": "",
}
Say = Callable[[str], None]


@dataclass
class Purse:
    """What may be spent. Over it no new case starts; those under way go on to their own limits."""

    dollars: float | None = None
    spent: float = 0.0
    unknown: bool = False
    """A price was unknown, so that nobody can say what was spent."""

    def pay(self, cost_usd: float | None) -> None:
        """One case has ended."""
        self.unknown = self.unknown or cost_usd is None
        self.spent += cost_usd or 0.0

    def shut(self, under_way: float = 0.0) -> str:
        """Why no new case may start, else empty."""
        if self.dollars is None:
            return ""
        if self.unknown:
            return "the model's price is unknown, so the budget cannot be kept"
        spent = self.spent + under_way
        return f"the budget of ${self.dollars:.2f} is reached" if spent >= self.dollars else ""


@dataclass(kw_only=True)
class Run:
    """One evaluation: what has ended so far, and what did not come to run and why."""

    at_once: int
    settings: Mapping[str, str]
    """For every service, the model's name among them."""
    scripted: bool
    bus: BusSettings
    purse: Purse
    total: int
    say: Say
    scored: list[Scored] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason by case and player."""

    def bench(self, bench: Bench) -> None:
        """Every job of the bench has ended, or stands in `left_out`."""
        if why := self.purse.shut():
            self.leave_out(bench.jobs, why)
            return
        self.say(f"{bench.name}: starting a stack for {len(bench.jobs)} incidents")
        try:
            with _planned(bench, self) as plan, running_stack(plan, _quiet) as stack:
                redis = Redis.from_url(stack.redis_url, socket_timeout=10)
                try:
                    _Desk(self, stack, redis).work(bench)
                finally:
                    redis.close()
        except (StackFailed, NoRedis, NotConfigured, RedisError, OSError) as error:
            done = {each.incident for each in self.scored}
            lost = [job for job in bench.jobs if job.incident not in done]
            self.leave_out(lost, f"{bench.name}: {error}")

    def leave_out(self, jobs: Collection[Job], why: str) -> None:
        """None of these will be run."""
        if jobs:
            self.say(f"{len(jobs)} not run: {why}")
        for job in jobs:
            self.left_out.setdefault(f"{job.expected.case} ({job.player})", why)

    def ended(self, one: Scored) -> None:
        """One incident has its grade."""
        self.scored.append(one)
        self.purse.pay(one.answer.cost_usd)
        cost = one.answer.cost_usd
        spent = "price unknown" if cost is None else f"${cost:.4f}"
        self.say(
            f"{len(self.scored)}/{self.total} {one.expected.case}, {one.player}: "
            f"{one.score.label} ({one.answer.calls} calls, {spent}, {one.answer.seconds:.1f} s)"
        )


@dataclass
class _Desk:
    run: Run
    stack: Stack
    redis: Redis
    open: dict[str, tuple[Job, float]] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        return Keys(self.run.bus.stream_prefix)

    def work(self, bench: Bench) -> None:
        for group in bench.groups:
            if group.scenario:
                url = f"{self.stack.control}/_simulator/scenario"
                call(url, {"scenario": group.scenario})
            self._work(deque(group.jobs))

    def _work(self, waiting: "deque[Job]") -> None:
        while waiting or self.open:
            if why := self.run.purse.shut(self._under_way()):
                self.run.leave_out(waiting, why)
                waiting.clear()
            while waiting and len(self.open) < self.run.at_once:
                self._open(waiting.popleft())
            for incident in list(self.open):
                self._look(incident)
            self.stack.check()
            time.sleep(POLL_SECONDS)

    def _open(self, job: Job) -> None:
        values = job.opened.model_dump(mode="json", exclude_defaults=True)
        self.redis.xadd(self.keys.stream(INCIDENTS), {"data": json.dumps(values)})
        self.open[job.incident] = (job, time.monotonic())

    def _under_way(self) -> float:
        if self.run.purse.dollars is None:
            return 0.0
        records = [read_record(self.redis, self.keys, incident=one) for one in self.open]
        return sum(record.spend.cost_usd or 0.0 for record in records if record)

    def _look(self, incident: str) -> None:
        job, since = self.open[incident]
        record = read_record(self.redis, self.keys, incident=incident)
        ended = record is not None and record.state == "ended"
        late = time.monotonic() - since > self.run.bus.deadline_seconds + AFTER_DEADLINE_SECONDS
        if not ended and not late:
            return
        del self.open[incident]
        answer = answer_of(record)
        self.run.ended(
            Scored(
                incident=incident,
                player=job.player,
                expected=job.expected,
                answer=answer,
                score=score(job.expected, answer),
                steps=read_steps(self.redis, self.keys, incident=incident),
            )
        )


@contextmanager
def _planned(bench: Bench, run: Run) -> Iterator[Plan]:
    settings = OUR_SETTINGS | dict(run.settings)
    with tempfile.TemporaryDirectory(prefix="nightshift-eval-") as folder:
        world: tuple[str, ...] = ()
        services = Plan(scenario="").services
        if bench.folders:
            cast = Path(folder) / "cast.json"
            write_cast(cast, bench.folders)
            world, services = ("simulator.cases", "--cast", str(cast)), services[1:]
            del settings["NIGHTSHIFT_MCP_SERVERS"]
        yield Plan(
            scenario=bench.groups[0].scenario,
            model_seconds=SCRIPTED_SECONDS,
            own_redis=True,
            world=world,
            services=services,
            real_model=not run.scripted,
            settings=settings,
        )


def _quiet(_: str) -> None:
    """A stack says much; the cases matter here."""
