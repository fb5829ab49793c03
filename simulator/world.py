"""Every stand-in of one scenario, started together in one process on free loopback ports."""

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from simulator.changing import Changing, changing
from simulator.doors import CHANNEL, Doors
from simulator.faults import Fault, Faults
from simulator.request_log import RequestLog
from simulator.scenario import SCENARIOS, Scenario, ScenarioError
from simulator.serving import Served

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from simulator.aws import AwsStandIn

STATE_FILE = "simulator.json"
READER = "system:serviceaccount:nightshift:toolrunner"
Environment = dict[str, dict[str, str]]


class World:
    """The outside world of `scenario`; everything it writes lies in the folder `state`.

    `seconds_per_reply` is how long the scripted model thinks; None means that there is no scripted
    model, and the reasoner keeps the model and the key it has. The scenario's `faults` and those
    given here are planned from the start; raises FaultError when one of them does not exist. With
    `slack_limits` Slack allows no more calls than it publishes, and many incidents take minutes.
    """

    def __init__(
        self,
        scenario: Scenario,
        state: Path,
        *,
        seconds_per_reply: float | None = 0.3,
        faults: Iterable[Fault] = (),
        slack_limits: bool = False,
    ) -> None:
        self.faults = Faults()
        self.faults.check(*scenario.faults, *faults)
        self._own_faults = self.faults.plan(*scenario.faults)
        self.faults.plan(*faults)
        self._slack_limits = slack_limits
        state.mkdir(parents=True, exist_ok=True)
        self.state = state.resolve()
        self.described_in = self.state / STATE_FILE
        self.log = RequestLog(self.state / "requests.jsonl")
        self.addresses: dict[str, str] = {}
        self._scenario = scenario
        self._seconds_per_reply = seconds_per_reply
        self._tokens = {name: secrets.token_hex(16) for name in ("kubernetes", "github", "model")}
        self._tokens["slack"] = "-".join(("xoxb", secrets.token_hex(16)))
        self._tokens["slack app"] = "-".join(("xapp", "1", secrets.token_hex(16)))
        self._tokens["slack secret"] = secrets.token_hex(16)
        self._kubeconfig = self.state / "kubeconfig.yaml"
        self._listeners: list[Served] = []
        self._changing: dict[str, Changing] = {}
        self._aws: asyncio.Task[AwsStandIn] | None = None
        self._doors = Doors.new(self.state / "sns")

    async def start(self) -> dict[str, object]:
        """All stand-ins answer and `simulator.json` says where; returned is what stands in it.

        Raises whatever kept a stand-in from starting; then nothing is left running.
        """
        # moto takes longest by far, so it starts first and beside everything else.
        self._aws = asyncio.create_task(
            asyncio.to_thread(_start_aws, self._scenario, self.log, faults=self.faults)
        )
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            described = await self._start_all(self._aws)
            await asyncio.to_thread(write_atomically, self.described_in, described)
            undo.pop_all()
        return described

    async def stop(self) -> None:
        """Nothing listens any more, and `simulator.json` is gone."""
        self.described_in.unlink(missing_ok=True)
        stopping = [listener.stop() for listener in self._listeners]
        if self._aws is not None:
            stopping.append(_stop_aws(self._aws))
        await asyncio.gather(*stopping, return_exceptions=True)

    async def show(self, scenario: Scenario) -> None:
        """The world is that scenario's, at the same addresses and with the same tokens.

        What was said in Slack, the traces, the log of requests and the faults that were asked for
        stay; the faults of the scenario before are gone. Raises ScenarioError or FaultError, with
        nothing changed, for a scenario that cannot be used or that needs services with other
        settings: another namespace, repository, account or region.
        """
        if settings_of(scenario) != settings_of(self._scenario):
            wanted, had = (", ".join(settings_of(each)) for each in (scenario, self._scenario))
            raise ScenarioError(f"{scenario.name} lies in {wanted}, this world in {had}")
        self.faults.check(*scenario.faults)
        built = {name: self._build(name, scenario) for name in self._changing}
        if self._aws is not None:
            await asyncio.to_thread((await self._aws).show, scenario)
        self._scenario = scenario
        for name, app in built.items():
            self._changing[name].app = app
        for planned in self._own_faults:
            self.faults.clear(planned)
        self._own_faults = self.faults.plan(*scenario.faults)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def _start_all(self, starting_aws: "asyncio.Task[AwsStandIn]") -> dict[str, object]:
        from simulator.control import build_control
        from simulator.otlp import SpanStore, build_otlp
        from simulator.slack import Limits, SlackStandIn, build_slack, let_people_in

        slack, spans = SlackStandIn({CHANNEL: "incidents"}), SpanStore()
        limit = Limits.real() if self._slack_limits else None
        token = self._tokens["slack"]
        people = let_people_in(
            slack,
            app_token=self._tokens["slack app"],
            signing_secret=self._tokens["slack secret"],
        )
        chat = build_slack(self.log, token, stand_in=slack, limit=limit, faults=self.faults)
        await self._serve("slack", Served(chat))
        people.address = self.addresses["slack"]
        await self._serve("otlp", Served(build_otlp(spans, self.log)))
        await self._start_kubernetes()
        await self._serve("sns", await self._doors.sns_host())
        await self._serve("github", Served(self._changes("github")))
        if self._seconds_per_reply is not None:
            await self._serve("model", Served(self._changes("model")))
        aws = await starting_aws
        control = build_control(self.log, alarms=aws, slack=slack, spans=spans, faults=self.faults)
        control.routes.append(changing(self.show))
        await self._serve("control", Served(control))
        environment = self._environment(aws)
        return {
            "scenario": self._scenario.name,
            "addresses": self.addresses | {"aws": environment["ingest"]["AWS_ENDPOINT_URL"]},
            "kubeconfig": str(self._kubeconfig),
            "queue_url": aws.queue_url,
            "requests": str(self.log.path),
            "slack": self._slack_doors(),
            "environment": environment,
        }

    async def _start_kubernetes(self) -> None:
        from simulator.kubernetes import make_certificate, write_kubeconfig

        files = await asyncio.to_thread(make_certificate, self.state / "kubernetes")
        listener = Served(self._changes("kubernetes"), certificate=files.certificate, key=files.key)
        await self._serve("kubernetes", listener)
        write_kubeconfig(
            self._kubeconfig,
            listener.address,
            ca_file=files.ca,
            token=self._tokens["kubernetes"],
            namespace=self._scenario.cluster.namespace,
        )

    def _changes(self, name: str) -> Changing:
        self._changing[name] = Changing(self._build(name, self._scenario))
        return self._changing[name]

    def _build(self, name: str, scenario: Scenario) -> "ASGIApp":
        """The stand-in of that name as the scenario has it."""
        from simulator.github import build_github
        from simulator.kubernetes import build_kubernetes
        from simulator.model import build_model

        token = self._tokens[name]
        if name == "kubernetes":
            return build_kubernetes(scenario, self.log, tokens={token: READER}, faults=self.faults)
        if name == "github":
            return build_github(scenario, self.log, token=token, faults=self.faults)
        return build_model(
            scenario,
            self.log,
            api_key=token,
            seconds_per_reply=self._seconds_per_reply or 0.0,
            faults=self.faults,
        )

    async def _serve(self, name: str, listener: Served) -> None:
        self._listeners.append(listener)
        self.addresses[name] = await listener.start()

    def _environment(self, aws: "AwsStandIn") -> Environment:
        """A service gets what stands under `all` and what stands under its own name."""
        at = self.addresses
        amazon = {key: value for key, value in aws.environment().items() if key.startswith("AWS_")}
        services = _services_file(self._scenario)
        reasoner = dict(services)
        if "model" in at:
            reasoner |= {
                "ANTHROPIC_BASE_URL": at["model"],
                "ANTHROPIC_API_KEY": self._tokens["model"],
            }
        ingest = {"NIGHTSHIFT_QUEUE_URL": aws.queue_url, "AWS_ENDPOINT_URL_SNS": at["sns"]}
        ingest["SLACK_API_URL"] = f"{at['slack']}/api/"
        return {
            "ingest": amazon | ingest | self._doors.environment(aws.topic_arn) | services,
            "reasoner": reasoner,
            "toolrunner": amazon
            | {
                "KUBECONFIG": str(self._kubeconfig),
                "GITHUB_API_URL": at["github"],
                "GITHUB_TOKEN": self._tokens["github"],
                "NIGHTSHIFT_LOG_GROUPS": _log_groups(self._scenario),
                "NIGHTSHIFT_NAMESPACES": self._scenario.cluster.namespace,
                "NIGHTSHIFT_REPOSITORY": self._scenario.repository.name,
            },
            "notifier": {
                "SLACK_API_URL": f"{at['slack']}/api/",
                "SLACK_BOT_TOKEN": self._tokens["slack"],
                "NIGHTSHIFT_SLACK_CHANNEL": CHANNEL,
                "NIGHTSHIFT_TRACE_URL": f"{at['otlp']}/trace/{{trace_id}}",
                # Where nothing is refused for its rate, nothing has to wait either.
                "NIGHTSHIFT_SLACK_PACE": "1" if self._slack_limits else "1000",
            },
            "all": {"OTEL_EXPORTER_OTLP_ENDPOINT": at["otlp"]},
        }

    def _slack_doors(self) -> dict[str, str]:
        """What opens ingest's doors for Slack: who wants them open puts it into its environment."""
        return {
            "SLACK_API_URL": f"{self.addresses['slack']}/api/",
            "SLACK_APP_TOKEN": self._tokens["slack app"],
            "SLACK_SIGNING_SECRET": self._tokens["slack secret"],
        }


def settings_of(scenario: Scenario) -> tuple[str, ...]:
    """What the services were told about the world, so that it cannot change under them."""
    alarm = scenario.alarm
    namespace, repository = scenario.cluster.namespace, scenario.repository.name
    return (
        f"namespace {namespace}",
        f"repository {repository}",
        f"account {alarm.account}",
        f"region {alarm.region}",
        f"log groups {_log_groups(scenario) or 'none'}",
    )


def _services_file(scenario: Scenario) -> dict[str, str]:
    """The service catalogue of the scenario's repository, where there is one."""
    file = SCENARIOS / "services" / f"{scenario.repository.name.rpartition('/')[2]}.toml"
    return {"NIGHTSHIFT_CATALOG": str(file)} if file.is_file() else {}


def _log_groups(scenario: Scenario) -> str:
    """What may be searched: the folders that the scenario's log groups lie in."""
    groups = scenario.cloudwatch.log_groups
    folders = {group.rpartition("/")[0] for group in groups}
    return ",".join(sorted(f"{folder}/*" for folder in folders if folder))


def _start_aws(scenario: Scenario, log: RequestLog, *, faults: Faults) -> "AwsStandIn":
    from simulator.aws import AwsStandIn

    aws = AwsStandIn(scenario, log, faults=faults)
    aws.start()
    return aws


async def _stop_aws(starting: "asyncio.Task[AwsStandIn]") -> None:
    aws = await starting
    await asyncio.to_thread(aws.stop)


def write_atomically(path: Path, described: dict[str, object]) -> None:
    """The file holds the whole or is not there; only its owner may read it, for it holds tokens."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, path)
