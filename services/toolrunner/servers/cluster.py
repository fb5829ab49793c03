"""The kubernetes server: what runs in some namespaces and how it fares, read only."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

from services.toolrunner.remarks import Remark, written
from services.toolrunner.servers import network, overview, rollouts, usage, workload
from services.toolrunner.servers.arguments import by_fields
from services.toolrunner.servers.not_read import NotRead, NotServed
from services.toolrunner.servers.rows import Fields, inside, pairs, text
from services.toolrunner.servers.settings import ServersSettings

if TYPE_CHECKING:
    from services.toolrunner.servers.cluster_api import ClusterApi

RESOURCES = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "CronJob": "cronjobs",
    "Job": "jobs",
}
NO_METRICS = Remark(
    "pod metrics are not available: this cluster does not serve metrics.k8s.io, so what pods use "
    "cannot be told"
)


class LogsAsked(BaseModel):
    """The arguments of `get_logs`."""

    namespace: str
    pod: str
    container: str = ""
    tail_lines: Annotated[int, Field(ge=1, le=5000)] = 1000
    since_minutes: Annotated[int, Field(ge=0, le=10_080)] = 0
    previous: bool = False


class Cluster:
    """The tools of the kubernetes server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings
        self._mark = settings.mark

    @cached_property
    def _api(self) -> "ClusterApi":
        # The client library takes a tenth of a second, and memory that rests until it is needed.
        from services.toolrunner.servers.cluster_api import ClusterApi

        return ClusterApi(self._settings)

    def list_pods(self, namespace: str, workload_name: str = "") -> str:
        """Phase, readiness, restarts, why containers wait or ended, deployed `ref`."""
        self._api.check(namespace, workload_name or "x")
        pods = _named(self._api.every("pods", namespace), workload_name)
        return "\n".join(line for pod in pods for line in workload.pod_rows(pod))

    @by_fields(LogsAsked)
    def get_logs(self, asked: LogsAsked) -> str:
        """A container's last lines, oldest first; `previous`: of its run before."""
        self._api.check(asked.namespace, asked.pod, asked.container or "x")
        options: dict[str, object] = {"tailLines": asked.tail_lines, "previous": asked.previous}
        if asked.container:
            options["container"] = asked.container
        if asked.since_minutes:
            options["sinceSeconds"] = 60 * asked.since_minutes
        return self._api.log(asked.pod, asked.namespace, **options)

    def list_workloads(self, namespace: str) -> str:
        """All workloads: ready/wanted, last roll-out, images, deployed `ref`."""
        self._api.check(namespace)
        found: dict[str, list[Fields]] = {}
        gaps: list[str] = []
        for kind, resource in RESOURCES.items():
            found[kind] = self._every_or_gap(resource, namespace, gaps=gaps) or []
        if len(gaps) == len(RESOURCES):
            raise NotRead("; ".join(gaps))
        return self._text([*overview.overview_rows(found, datetime.now(UTC)), *_not_shown(gaps)])

    def describe_workload(
        self,
        namespace: str,
        kind: Literal["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"],
        *,
        name: str,
    ) -> str:
        """State, conditions, limits, probes, variables, deployed `ref` (for github)."""
        self._api.check(namespace, name)
        found = self._api.one(RESOURCES[kind], name, namespace=namespace)
        return "\n".join(workload.workload_rows(kind, found))

    def rollout_history(
        self,
        namespace: str,
        kind: Literal["Deployment", "StatefulSet", "DaemonSet"],
        *,
        name: str,
    ) -> str:
        """Revisions, newest first, and all that the newest changed."""
        self._api.check(namespace, name)
        found = self._api.one(RESOURCES[kind], name, namespace=namespace)
        kept = "replicasets" if kind == "Deployment" else "controllerrevisions"
        labels = pairs(inside(found, "spec.selector.matchLabels"))
        revisions = rollouts.revisions_of(found, self._api.every(kept, namespace, labels=labels))
        return self._text(rollouts.history_rows(found, revisions))

    def list_events(self, namespace: str, object_name: str = "") -> str:
        """Events, oldest first; those about `object_name`."""
        self._api.check(namespace, object_name or "x")
        events = self._api.every("events", namespace)
        wanted = [event for event in events if _is_about(event, object_name)]
        return "\n".join(
            workload.event_row(event) for event in sorted(wanted, key=workload.seen_at)
        )

    def list_services(self, namespace: str, name: str = "") -> str:
        """Ports, selectors, endpoints ready or not."""
        self._api.check(namespace, name or "x")
        services = self._api.every("services", namespace)
        gaps: list[str] = []
        behind = network.Behind(
            pods=self._every_or_gap("pods", namespace, gaps=gaps),
            slices=self._every_or_gap("endpointslices", namespace, gaps=gaps),
        )
        lines = [
            line
            for service in services
            if name in ("", text(service, "metadata.name"))
            for line in network.service_rows(service, behind)
        ]
        return self._text([*(lines or [Remark("there is no such service")]), *_not_shown(gaps)])

    def list_network_policies(self, namespace: str) -> str:
        """Who may reach which pods, and whom these may reach."""
        self._api.check(namespace)
        policies = self._api.every("networkpolicies", namespace)
        if not policies:
            none = f"there is no network policy in {namespace}: none blocks traffic there"
            return self._text([Remark(none)])
        gaps: list[str] = []
        pods = self._every_or_gap("pods", namespace, gaps=gaps)
        lines = [line for policy in policies for line in network.policy_rows(policy, pods)]
        if pods is not None:
            lines.append(network.unlimited_row(policies, pods))
        return self._text([*lines, *_not_shown(gaps)])

    def resource_usage(self, namespace: str, workload_name: str = "") -> str:
        """CPU and memory used, of which limit; quotas; autoscalers."""
        self._api.check(namespace, workload_name or "x")
        gaps: list[str] = []
        lines = list(self._usage(namespace, workload_name, gaps=gaps))
        scalers = self._every_or_gap("horizontalpodautoscalers", namespace, gaps=gaps)
        for scaler in scalers or []:
            if workload_name in ("", text(scaler, "spec.scaleTargetRef.name")):
                lines += usage.autoscaler_rows(scaler)
        quotas = self._every_or_gap("resourcequotas", namespace, gaps=gaps)
        lines += map(usage.quota_row, quotas or [])
        return self._text([*lines, *_not_shown(gaps)])

    def close(self) -> None:
        """Close the connections to the API, if there are any."""
        if "_api" in self.__dict__:
            self._api.close()

    def _text(self, lines: Iterable[str]) -> str:
        return written(lines, mark=self._mark)

    def _usage(self, namespace: str, name: str, *, gaps: list[str]) -> Iterator[str]:
        try:
            metrics = _named(self._api.every(usage.POD_METRICS, namespace), name)
        except NotServed:
            yield NO_METRICS
            return
        except NotRead as error:
            gaps.append(str(error))
            return
        pods = self._every_or_gap("pods", namespace, gaps=gaps)
        yield from usage.usage_rows(metrics, _named(pods or [], name))

    def _every_or_gap(
        self, resource: str, namespace: str, *, gaps: list[str]
    ) -> list[Fields] | None:
        """The objects; where they cannot be read None, and a sentence more in `gaps`."""
        try:
            return self._api.every(resource, namespace)
        except NotRead as error:
            gaps.append(str(error))
            return None


def _not_shown(gaps: list[str]) -> Iterator[str]:
    return (Remark(f"not shown: {gap}") for gap in gaps)


def _named(items: list[Fields], workload_name: str) -> list[Fields]:
    """Those of a workload, by their names; all where none is named."""
    start = f"{workload_name}-" if workload_name else ""
    return [item for item in items if text(item, "metadata.name").startswith(start)]


def _is_about(event: Fields, object_name: str) -> bool:
    name = text(event, "involvedObject.name")
    return not object_name or name == object_name or name.startswith(f"{object_name}-")
