"""Deployments over a fleet: replicas are replaced and scaled as Kubernetes does it.

A replacement is the manifests' `maxSurge: 1, maxUnavailable: 0`: another pod is started, and once
it is ready the old one is asked to end (SIGTERM) and has to be gone within its time.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bus.streams import STREAMS
from cli.stack import SERVICES
from tests.chaos.campaign import Campaign
from tests.chaos.nursery import Forked
from tests.chaos.plain import Plain
from tests.chaos.replica import Replica
from tests.lane import Figures

GONE_SECONDS = 10.0
"""What a replica has, from SIGTERM to its end."""
READY_SECONDS = 120.0


@dataclass
class Pod:
    """A replica and, where it is a toolrunner, the MCP servers beside it, which outlive it."""

    replica: Replica
    servers: Forked | Plain | None = None


@dataclass(frozen=True)
class Leave:
    """How one replica went, and what was its own when it was asked and when it was gone."""

    service: str
    seconds: float
    code: int
    held: int
    kept: int


@dataclass
class Deployments:
    """The pods of every service. `finishes`: work in hand is done before its replica is gone."""

    at: Campaign
    finishes: bool = True
    before_leaving: Callable[["Deployments", Sequence[Replica]], None] | None = None
    """What is done when the new pods are ready, right before the old ones are asked to end."""
    pods: dict[str, list[Pod]] = field(default_factory=dict)
    leaves: list[Leave] = field(default_factory=list)
    ready_after: list[tuple[str, float]] = field(default_factory=list)
    """Of every pod that was started: its service, and seconds until it was ready."""

    def begin(self, replicas: int) -> None:
        """So many pods of every service are there, ready."""
        self._start([*SERVICES] * replicas)

    def scale(self, service: str, replicas: int) -> None:
        """So many pods of the service are there, ready; those that are too many are gone."""
        there = self.pods.setdefault(service, [])
        self._start([service] * (replicas - len(there)))
        self._end(there[replicas:])

    def roll(self, *services: str) -> None:
        """Every pod of these services was replaced: one of each service at a time."""
        left = {service: list(self.pods[service]) for service in services}
        while any(left.values()):
            due = [service for service in services if left[service]]
            self._start(due)
            self._end([left[service].pop(0) for service in due])

    def _start(self, services: Sequence[str]) -> None:
        began = time.monotonic()
        # A toolrunner waits for its servers, so the others are on their way before it.
        ordered = sorted(services, key="toolrunner".__eq__)
        waiting = [(each, self._pod(each)) for each in ordered]
        starting = [pod.replica for _, pod in waiting]

        def all_ready() -> bool:
            for replica in [each for each in starting if each.ready()]:
                starting.remove(replica)
                self.ready_after.append((replica.service, time.monotonic() - began))
            return not starting

        self.at.wait("the new pods being ready", all_ready, READY_SECONDS)
        for service, pod in waiting:
            self.pods.setdefault(service, []).append(pod)

    def _pod(self, service: str) -> Pod:
        if service != "toolrunner":
            return Pod(self.at.fleet.start(service))
        servers, given = self.at.fleet.start_servers()
        return Pod(self.at.fleet.start(service, given), servers)

    def _end(self, pods: Sequence[Pod]) -> None:
        asked, held = {}, {}
        if self.before_leaving is not None:
            self.before_leaving(self, [pod.replica for pod in pods])
        for pod in pods:
            self.pods[pod.replica.service].remove(pod)
            held[pod.replica.name] = self.held(pod.replica)
            asked[pod.replica.name] = time.monotonic()
            pod.replica.terminate()
        since = time.time()
        leaving = list(pods)

        def all_gone() -> bool:
            for pod in [each for each in leaving if not each.replica.alive]:
                leaving.remove(pod)
                name, service = pod.replica.name, pod.replica.service
                took = time.monotonic() - asked[name]
                kept, code = self.held(pod.replica), pod.replica.wait()
                self.leaves.append(Leave(service, took, code, held[name], kept))
            return not leaving

        self.at.wait("the old pods being gone", all_gone, 3 * GONE_SECONDS)
        for pod in pods:
            if not self.finishes:
                self.at.strike_one(pod.replica, "was asked to end", since=since)
            self.at.fleet.proxy.shut(pod.replica.name)
            self._end_servers(pod)

    def _end_servers(self, pod: Pod) -> None:
        if pod.servers is not None:
            self.at.fleet.stack.processes.remove(pod.servers)
            servers = Replica("servers", "toolrunner", pod.servers, 0)
            servers.terminate()
            assert servers.wait() == 0

    def held(self, replica: Replica) -> int:
        """How many entries are that replica's now, on all streams that its service reads."""
        read = [
            stream.name
            for stream in STREAMS
            if replica.service in [reader.group for reader in stream.readers]
        ]
        return sum(len(self.at.held(replica, stream)) for stream in read)

    def note(self, figures: Figures, what: str) -> None:
        """The figures of all pods that came and went."""
        seconds = [leave.seconds for leave in self.leaves]
        figures.add("restart", f"{what}: s from SIGTERM to the end", spread(seconds), GONE_SECONDS)
        for service in SERVICES:
            ready = [after for name, after in self.ready_after if name == service]
            gone = [leave.seconds for leave in self.leaves if leave.service == service]
            held = sum(leave.held for leave in self.leaves if leave.service == service)
            if gone:
                told = f"{len(gone)} gone after {spread(gone)} s, with {held} entries in hand"
                told += f"; {len(ready)} ready after {spread(ready)} s"
                figures.add("restart", f"{what}: {service}", told)


def spread(seconds: Sequence[float]) -> str:
    """Median, 95th percentile and longest, in seconds."""
    if not seconds:
        return "none"
    cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else [*seconds] * 19
    most = max(seconds)
    return f"{statistics.median(seconds):.1f} / {min(cuts[18], most):.1f} / {most:.1f}"
