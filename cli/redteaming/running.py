"""Running attacks: many incidents at once over one stack, and the evidence that they leave."""

import json
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError

from bus.connection import as_text
from bus.errors import NotConfigured
from bus.events import IncidentOpened, ToolCallAudited
from bus.settings import BusSettings
from bus.streams import AUDIT, INCIDENTS, STOPS, Keys, Stream
from cli.evaluation.reading import read_record
from cli.redteaming.judging import Evidence, judge
from cli.redteaming.policy import write_policy
from cli.redteaming.verdict import Effect, Verdict
from cli.stack import Plan, Stack, StackFailed, call, running_stack
from simulator.redis_server import NoRedis, free_port
from simulator.redteam import Attack, aimed, channels
from simulator.request_log import RequestLog

POLL_SECONDS = 0.1
AFTER_DEADLINE_SECONDS = 30.0
AFTERWARDS_SECONDS = 1.5
"""How long is waited for what comes after the stop signals, such as a second post."""
MOST_IN_A_WORLD = 160
SERVICES = ("toolrunner.servers", "ingest", "reasoner", "toolrunner", "notifier")
SETTINGS = {
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
    "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
    "NIGHTSHIFT_MAX_NEW": "100000",  # no attack may hide in a summary
    "NIGHTSHIFT_MAX_OPEN": "100000",
    "NIGHTSHIFT_SOURCE_BURST": "100000",
    "NIGHTSHIFT_STREAM_PREFIX": BusSettings.model_fields["stream_prefix"].default,
}
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Run:
    """One run of the red team: what was found out so far."""

    at_once: int
    say: Say
    total: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    unattributed: list[Effect] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    def work(self, attacks: Sequence[Attack]) -> None:
        """Every attack has its verdict, or stands in `not_run`."""
        self.total = len(attacks)
        for unaimed in _parts(attacks):
            port = free_port()
            part = [aimed(each, f"http://127.0.0.1:{port}") for each in unaimed]
            self.say(f"starting a hostile world and five processes for {len(part)} cases")
            try:
                with _planned(part, port) as plan, running_stack(plan, _quiet) as stack:
                    self._play(part, stack)
            except (StackFailed, NoRedis, NotConfigured, RedisError, OSError) as error:
                done = {each.marker for each in self.verdicts}
                lost = [each.name for each in part if each.marker not in done]
                self.not_run += [f"{name}: {error}" for name in lost]
                self.say(f"{len(lost)} cases not run: {error}")

    def _play(self, part: Sequence[Attack], stack: Stack) -> None:
        redis = Redis.from_url(stack.redis_url, socket_timeout=10)
        try:
            stage = Stage(stack, redis, at_once=self.at_once, say=self.say)
            stage.play(part)
            verdicts, unattributed = judge(part, stage.evidence())
        finally:
            redis.close()
        self.verdicts += verdicts
        self.unattributed += unattributed
        wrong = sum(not each.holds for each in verdicts)
        self.say(f"{len(self.verdicts)}/{self.total} judged, {wrong} of these {len(part)} fail")


@dataclass
class Stage:
    """A running stack with the attacks that were played over it."""

    stack: Stack
    redis: "Redis"
    at_once: int
    say: Say
    incidents: dict[str, str] = field(default_factory=dict)
    """Incident by marker."""
    _open: dict[str, float] = field(default_factory=dict)
    _read: dict[str, str] = field(default_factory=dict)
    _signals: Counter[str] = field(default_factory=Counter)
    _keys: Keys = field(default_factory=lambda: Keys(SETTINGS["NIGHTSHIFT_STREAM_PREFIX"]))

    def play(self, attacks: Sequence[Attack]) -> None:
        """Every one was opened, and has ended or outlived its deadline."""
        waiting, ended, told = deque(attacks), 0, 0
        while waiting or self._open:
            while waiting and len(self._open) < self.at_once:
                self._begin(waiting.popleft())
            ended += self._look()
            if ended - told >= 20:
                told = ended
                self.say(f"{ended} of {len(attacks)} incidents have ended")
            self.stack.check()
            time.sleep(POLL_SECONDS)
        time.sleep(AFTERWARDS_SECONDS)
        self._look()

    def evidence(self) -> Evidence:
        """What lies outside and on the bus now."""
        found = {
            incident: read_record(self.redis, self._keys, incident=incident)
            for incident in self.incidents.values()
        }
        records = {incident: record for incident, record in found.items() if record}
        trace = urlsplit(str(self.stack.world["addresses"]["otlp"])).netloc
        return Evidence(
            requests=RequestLog(Path(self.stack.world["requests"])).read(),
            messages=call(f"{self.stack.control}/_simulator/messages")["messages"],
            incidents=self.incidents,
            records=records,
            audits=self._audits(),
            signals=self._signals,
            hosts=frozenset({trace}),
        )

    def _audits(self) -> Mapping[str, list[ToolCallAudited]]:
        audits: dict[str, list[ToolCallAudited]] = defaultdict(list)
        for values in self._entries(AUDIT):
            audited = ToolCallAudited.model_validate(values)
            audits[audited.investigation_id].append(audited)
        return audits

    def _begin(self, attack: Attack) -> None:
        self._open[attack.marker] = time.monotonic()
        if attack.channel == "alarm-description":
            call(f"{self.stack.control}/_simulator/alarm-body", _alarm(attack.marker, attack.text))
            return
        opened = _opened(attack)
        values = opened.model_dump(mode="json", exclude_defaults=True)
        self.incidents[attack.marker] = str(opened.incident_id)
        self.redis.xadd(self._keys.stream(INCIDENTS), {"data": json.dumps(values)})

    def _look(self) -> int:
        """How many ended since the last look."""
        for values in self._entries(INCIDENTS):
            alarm = values.get("alarm") or {}
            if marker := str(alarm.get("labels", {}).get("ServiceName", "")):
                self.incidents[marker] = str(values["incident_id"])
        for values in self._entries(STOPS):
            if "channel" in values:
                self._signals[str(values["investigation_id"])] += 1
        patience = BusSettings.model_fields["deadline_seconds"].default + AFTER_DEADLINE_SECONDS
        over = [
            marker
            for marker, since in self._open.items()
            if self._signals[self.incidents.get(marker, "")] or time.monotonic() - since > patience
        ]
        for marker in over:
            del self._open[marker]
        return len(over)

    def _entries(self, stream: Stream) -> Iterator[dict[str, Any]]:
        """The events that came to a stream since it was read last."""
        after = self._read.get(stream.name, "-")
        start = after if after == "-" else f"({after}"
        rows: Any = self.redis.xrange(self._keys.stream(stream), start)
        for entry_id, fields in rows:
            self._read[stream.name] = as_text(entry_id)
            values = {as_text(name): as_text(value) for name, value in fields.items()}
            found: dict[str, Any] = json.loads(values["data"])
            if stream is INCIDENTS:
                found.setdefault("incident_id", f"inc-{as_text(entry_id)}")
            yield found


def _parts(attacks: Sequence[Attack]) -> Iterator[Sequence[Attack]]:
    """Worlds of about the same size, each with attacks from everywhere in the list."""
    count = -(-len(attacks) // MOST_IN_A_WORLD)
    for number in range(count):
        yield attacks[number::count]


@contextmanager
def _planned(attacks: Sequence[Attack], attacker: int) -> Iterator[Plan]:
    with tempfile.TemporaryDirectory(prefix="nightshift-redteam-") as name:
        folder = Path(name)
        cast = folder / "cast.json"
        cast.write_text(
            json.dumps([each.model_dump(mode="json") for each in attacks]), encoding="utf-8"
        )
        write_policy(folder, attacks)
        yield Plan(
            scenario="",
            model_seconds=0.0,
            own_redis=True,
            world=("simulator.redteam", "--cast", str(cast), "--attacker-port", f"{attacker}"),
            services=SERVICES,
            real_model=False,
            settings=SETTINGS | {"NIGHTSHIFT_POLICY_DIR": str(folder)},
        )


def _opened(attack: Attack) -> IncidentOpened:
    in_slack = attack.channel == "slack-trigger"
    return IncidentOpened(
        incident_id=attack.marker,
        service=attack.marker,
        summary=f"{attack.marker}: {channels()[attack.channel].symptom}",
        trigger="slack" if in_slack else "manual",
        note=attack.text if in_slack else "",
    )


def _alarm(marker: str, description: str) -> dict[str, object]:
    """A CloudWatch alarm as SNS wraps it, whose description is the attacker's."""
    inner = {
        "AlarmName": f"{marker}-error",
        "AlarmDescription": description,
        "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM",
        "NewStateReason": f"Threshold Crossed: {channels()['alarm-description'].symptom}.",
        "StateChangeTime": "2026-11-24T03:00:00.000+0000",
        "Region": "EU (London)",
        "OldStateValue": "OK",
        "Trigger": {
            "MetricName": f"{marker}-errors",
            "Namespace": "Microservices/Errors",
            "Dimensions": [{"name": "ServiceName", "value": marker}],
        },
    }
    return {
        "Type": "Notification",
        "MessageId": f"m-{marker}",
        "TopicArn": "arn:aws:sns:eu-west-2:123456789012:alarms",
        "Message": json.dumps(inner),
        "Timestamp": "2026-11-24T03:00:01.000Z",
    }


def _quiet(_: str) -> None:
    """A stack says much; the cases matter here."""
