"""The AWS stand-in: moto on loopback, filled from the scenario, and the alarm's state changes."""

import json
import logging
import secrets
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from simulator.aws.alarm_bodies import (
    State,
    StateChange,
    alarm_arn,
    event_detail,
    sns_message,
    subject,
)
from simulator.aws.gate import Gate, Keys
from simulator.aws.telemetry import Telemetry
from simulator.faults import Faults
from simulator.logs import check_logs
from simulator.request_log import RequestLog
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from simulator.aws.resources import Resources

FORMS = ("sns", "eventbridge")


class AwsStandIn:
    """SQS, SNS, EventBridge, CloudWatch and its logs on loopback, with one alarm wired to a queue.

    moto's state belongs to the process, so one stand-in runs at a time; starting one empties it.
    Every method may be called from any thread. `faults` strike whoever uses it, never what it does
    itself. Raises ScenarioError when a log group's log does not exist.
    """

    def __init__(
        self, scenario: Scenario, log: RequestLog, *, faults: Faults | None = None
    ) -> None:
        check_logs(scenario.cluster.logs, list(scenario.cloudwatch.log_groups.values()))
        self._scenario = scenario
        self._log = log
        self._faults = faults or Faults()
        self._keys = Keys(*(f"SIMULATED{secrets.token_hex(6).upper()}" for _ in range(2)))
        self._secret = secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self._server: BaseWSGIServer | None = None
        self._gate: Gate | None = None
        self._thread: threading.Thread | None = None
        self._resources: Resources | None = None
        self._telemetry: Telemetry | None = None
        self._changed_at = datetime.now(UTC)
        self._reason = "Unchecked: Initial alarm creation"

    def start(self) -> str:
        """Everything the scenario names exists at the address returned; the alarm is OK."""
        # moto takes half a second to import, and whoever only reads a scenario needs none of it.
        from moto.moto_api._internal.models import moto_api_backend
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server

        from simulator.aws.resources import Resources

        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        moto_api_backend.reset()
        account = self._scenario.alarm.account
        moto = DomainDispatcherApplication(create_backend_app)
        gate = self._gate = Gate(moto, self._log, self._keys, account, self._faults)
        self._server = make_server(
            "127.0.0.1", 0, gate, threaded=True, request_handler=MotoRequestHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._resources = Resources(
            self._scenario, self.environment() | {"AWS_ACCESS_KEY_ID": self._keys.owner}
        )
        self._resources.create()
        self._telemetry = Telemetry(self._scenario, self._resources)
        self._settle(datetime.now(UTC))
        return self.url

    def stop(self) -> None:
        """Nothing listens any more; stopping twice, or before the start, does nothing."""
        if self._server is None or self._thread is None:
            return
        if self._gate is not None:
            self._gate.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._resources is not None:
            self._resources.close()
        self._server = None

    @property
    def url(self) -> str:
        """The address of every service, for `AWS_ENDPOINT_URL`."""
        if self._server is None:
            raise RuntimeError("the AWS stand-in has not been started")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def queue_url(self) -> str:
        """The address of the queue that the alarm's notices arrive in."""
        return self._started().queue_url

    @property
    def topic_arn(self) -> str:
        """The topic that the alarm's notices go through."""
        return self._started().topic_arn

    def environment(self) -> dict[str, str]:
        """The variables by which an AWS SDK reaches the stand-in."""
        region = self._scenario.alarm.region
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self._keys.user,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def show(self, scenario: Scenario) -> None:
        """Alarm, metrics and logs are that scenario's; queue, topic and rule stay as they are.

        Account and region are the same. Raises ScenarioError as the start does.
        """
        from moto.cloudwatch.models import cloudwatch_backends
        from moto.logs.models import logs_backends

        check_logs(scenario.cluster.logs, list(scenario.cloudwatch.log_groups.values()))
        resources, alarm = self._started(), scenario.alarm
        with self._lock:
            for backends in (cloudwatch_backends, logs_backends):
                backends[alarm.account][alarm.region].reset()
            if self._gate is not None:
                self._gate.history.forget()
            self._scenario = scenario
            resources.show(scenario)
            self._telemetry = Telemetry(scenario, resources)
            self._settle(datetime.now(UTC))

    def fire_alarm(self, form: str = "sns") -> str:
        """The alarm is in ALARM and its notice in the queue; returned is the notice's id.

        `form` is `sns` or `eventbridge`, else ValueError. An alarm that fires again was OK in
        between. Metrics and logs have gone on up to now.
        """
        return self._change("ALARM", self._scenario.alarm.reason, form=form)

    def recover_alarm(self, form: str = "sns") -> str:
        """The alarm is back to OK and its notice in the queue; returned is the notice's id."""
        return self._change("OK", _calm_reason(self._scenario, datetime.now(UTC)), form=form)

    def publish_alarm_body(self, body: str, *, to_topic: bool = False) -> str:
        """`body` is in the queue, as it is or wrapped by SNS (`to_topic`); returned is its id."""
        resources = self._started()
        return resources.publish(body, "") if to_topic else resources.send(body)

    def _change(self, after: State, reason: str, *, form: str) -> str:
        if form not in FORMS:
            raise ValueError(f"form is one of {', '.join(FORMS)}, not {form!r}")
        resources = self._started()
        with self._lock:
            now = datetime.now(UTC)
            if self._telemetry is not None:
                self._telemetry.write(now)
            before: State = "OK" if after == "ALARM" else "ALARM"
            change = StateChange(before, self._reason, self._changed_at, after, reason, now)
            resources.set_state(after, reason)
            self._reason, self._changed_at = reason, now
        alarm, dimensions = self._scenario.alarm, resources.dimensions
        if self._gate is not None:
            self._gate.history.note_action(alarm.name, after, topic_arn=resources.topic_arn)
        if form == "sns":
            body = sns_message(alarm, change, topic_arn=resources.topic_arn, dimensions=dimensions)
            return resources.publish(json.dumps(body), subject(alarm, change))
        detail = event_detail(alarm, change, dimensions=dimensions)
        return resources.put_event(json.dumps(detail), alarm_arn(alarm), at=now)

    def _settle(self, now: datetime) -> None:
        if self._telemetry is not None:
            self._telemetry.write(now)
        self._reason, self._changed_at = _calm_reason(self._scenario, now), now
        self._started().set_state("OK", self._reason)

    def _started(self) -> "Resources":
        if self._resources is None or self._server is None:
            raise RuntimeError("the AWS stand-in has not been started")
        return self._resources


def _calm_reason(scenario: Scenario, now: datetime) -> str:
    seen = now.strftime("%d/%m/%y %H:%M:00")
    threshold = scenario.alarm.threshold
    return (
        f"Threshold Crossed: 1 out of the last 1 datapoints [0.0 ({seen})] was not greater than "
        f"the threshold ({threshold}) (minimum 1 datapoint for ALARM -> OK transition)."
    )
