"""Incidents in numbers: published in waves that keep the machine busy without drowning it."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bus.events import AlarmJoined, InvestigationId
from simulator.aws.alarm_bodies import State, StateChange, sns_message
from simulator.scenario import AlarmSetup
from tests.chaos.fleet import Fleet
from tests.chaos.recorder import Recorder
from tests.loop.desk import PREFIX

SCENARIO = str(Path(__file__).with_name("storm.yaml"))
LEASE_SECONDS = 2.0
SETTINGS = {
    "NIGHTSHIFT_LEASE_SECONDS": str(LEASE_SECONDS),
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
    "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
    "NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5",
}
"""Short times, and a day's budget that a thousand incidents do not reach."""
TOPIC = "arn:aws:sns:eu-west-2:123456789012:alarms"


@dataclass
class Load:
    """Publishes `total` incidents, of which at most `at_once` are open at any time."""

    fleet: Fleet
    recorder: Recorder
    total: int
    at_once: int
    alarm_every: int = 0
    """Every so many incidents one comes as an alarm through the queue; 0: none."""
    join_every: int = 0
    """Every so many incidents an alarm joins an earlier one; 0: none."""
    sent: list[str] = field(default_factory=list)
    """Cases that came through the queue."""
    published: list[str] = field(default_factory=list)
    """Ids of the incidents that were written onto the stream."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def begun(self) -> int:
        """How many incidents were handed over."""
        return len(self.sent) + len(self.published)

    @property
    def ended(self) -> int:
        """How many stop signals there are."""
        return self.recorder.count("stops", "InvestigationStopped")

    def step(self) -> bool:
        """As many incidents as fit were published; whether all of them have ended."""
        while self.begun < self.total and self.begun - self.ended < self.at_once:
            self._publish(next(self._numbers))
        return self.begun == self.total and self.ended >= self.total

    def until(self, moment: float) -> bool:
        """Keeps the load up until that moment of `time.monotonic`; whether all have ended."""
        over: list[bool] = []

        def there() -> bool:
            over[:] = [self.step()]
            return over[0] or time.monotonic() >= moment

        limit = max(0.0, moment - time.monotonic()) + 30
        self.fleet.stack.wait("the next moment", there, seconds=limit)
        return over[0]

    def _publish(self, number: int) -> None:
        case = f"case-{number:04d}"
        if self.alarm_every and number % self.alarm_every == 0:
            self.fleet.desk.alarm_body(alarm_body(case))
            self.sent.append(case)
            return
        summary = f"HTTP 500 on checkout, {case}"
        self.published.append(self.fleet.desk.publish(service="cartservice", summary=summary))
        if self.join_every and number % self.join_every == 0:
            self._join(self.published[-min(3, len(self.published))])

    def _join(self, incident: str) -> None:
        alarm = {"name": "frontend-latency", "reason": "latency is above its limit"}
        joined = AlarmJoined.model_validate(
            {"investigation_id": InvestigationId(incident), "alarm": alarm}
        )
        fields = {"event": joined.name(), "data": joined.model_dump_json()}
        self.fleet.desk.redis.xadd(f"{PREFIX}updates", dict(fields.items()))


def alarm_body(case: str, state: State = "ALARM") -> str:
    """What lies in the queue when that case's own alarm changes its state."""
    now = datetime.now(UTC)
    before: State = "OK" if state == "ALARM" else "ALARM"
    alarm = AlarmSetup(
        name=f"cartservice-error-{case}",
        description="Error detected in cartservice",
        reason="Threshold Crossed: 1 datapoint [14.0] was greater than the threshold (0.0).",
        metric="cartserviceErrorCount",
    )
    calm = "Threshold Crossed: 1 datapoint [0.0] was not greater than the threshold (0.0)."
    told = alarm.reason if state == "ALARM" else calm
    change = StateChange(before, calm, now - timedelta(minutes=5), state, told, now)
    dimensions = {"Service": "cartservice"}
    return json.dumps(sns_message(alarm, change, topic_arn=TOPIC, dimensions=dimensions))
