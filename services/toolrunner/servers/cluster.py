"""The kubernetes server: pods, logs, workloads and events of some namespaces, read only."""

import json
import re
import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import Annotated, Literal

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from pydantic import Field
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from services.toolrunner.servers import workload
from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.rows import Fields, each, text
from services.toolrunner.servers.settings import ServersSettings

MAX_BYTES = 6 * 1024 * 1024
PAGE_ITEMS = 1_000
MAX_PAGES = 10
CONNECT_SECONDS = 3.0
_PART_BYTES = 64 * 1024
_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")


class Cluster:
    """The tools of the kubernetes server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    def list_pods(self, namespace: str) -> str:
        """Pods with phase, readiness, restarts, images and why containers wait or ended."""
        self._check(namespace)
        pods = self._list(
            f"list pods in namespace {namespace}",
            partial(self._core.list_namespaced_pod, namespace),
        )
        return "\n".join(line for pod in pods for line in workload.pod_rows(pod))

    def get_logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        tail_lines: Annotated[int, Field(ge=1, le=5000)] = 1000,
        previous: bool = False,
    ) -> str:
        """The last log lines of a pod's container, oldest first; `previous`: of its run before."""
        self._check(namespace, pod, container or "x")
        content = self._ask(
            f"get pods/log in namespace {namespace}",
            partial(
                self._core.read_namespaced_pod_log,
                pod,
                namespace,
                container=container,
                tail_lines=tail_lines,
                previous=previous,
            ),
        )
        return content.decode("utf-8", "replace")

    def describe_workload(
        self,
        namespace: str,
        kind: Literal["Deployment", "StatefulSet", "DaemonSet"],
        *,
        name: str,
    ) -> str:
        """A workload's state, conditions, containers, limits, probes and environment."""
        self._check(namespace, name)
        read: dict[str, Callable[..., object]] = {
            "Deployment": self._apps.read_namespaced_deployment,
            "StatefulSet": self._apps.read_namespaced_stateful_set,
            "DaemonSet": self._apps.read_namespaced_daemon_set,
        }
        permission = f"get {kind.lower()}s in namespace {namespace}"
        found = _json(self._ask(permission, partial(read[kind], name, namespace)))
        return "\n".join(workload.workload_rows(kind, found))

    def list_events(self, namespace: str, object_name: str | None = None) -> str:
        """Events, oldest first; `object_name`: of that object and of those named after it."""
        self._check(namespace, object_name or "x")
        events = self._list(
            f"list events in namespace {namespace}",
            partial(self._core.list_namespaced_event, namespace),
        )
        wanted = [event for event in events if _is_about(event, object_name)]
        return "\n".join(
            workload.event_row(event) for event in sorted(wanted, key=workload.seen_at)
        )

    def close(self) -> None:
        """Close the connections to the API, if there are any."""
        if "_api" in self.__dict__:
            # Dropping the pools would leave it to the garbage collector to close what they hold.
            pools = self._api.rest_client.pool_manager.pools
            for key in list(pools.keys()):
                pools[key].close()

    def _list(self, permission: str, read: Callable[..., object]) -> list[Fields]:
        found: list[Fields] = []
        token = ""
        for _ in range(MAX_PAGES):
            more = partial(read, _continue=token) if token else read
            answer = _json(self._ask(permission, partial(more, limit=PAGE_ITEMS)))
            found += each(answer, "items")
            token = text(answer, "metadata.continue")
            if not token:
                return found
        raise NotRead(f"there are more than {len(found)} objects; nothing is shown of them")

    def _ask(self, permission: str, read: Callable[..., object]) -> bytes:
        return _ask(permission, read, seconds=self._settings.answer_seconds)

    def _check(self, namespace: str, *names: str) -> None:
        allowed = self._settings.namespace_names
        if not allowed:
            raise NotRead("no namespace may be read: NIGHTSHIFT_NAMESPACES is not set")
        if namespace not in allowed:
            raise NotRead(
                f"namespace {namespace[:80]!r} is not readable; these are: {', '.join(allowed)}"
            )
        for name in names:
            if not _NAME.match(name):
                raise NotRead(f"{name[:80]!r} is not a Kubernetes name")

    @cached_property
    def _core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self._api)

    @cached_property
    def _apps(self) -> client.AppsV1Api:
        return client.AppsV1Api(self._api)

    @cached_property
    def _api(self) -> client.ApiClient:
        settings = client.Configuration()
        load: Callable[..., object] = config.load_incluster_config
        if self._settings.kubeconfig:
            file = self._settings.kubeconfig
            load = partial(config.load_kube_config, file, persist_config=False)
        try:
            load(client_configuration=settings)
        except (config.ConfigException, OSError) as error:
            where = self._settings.kubeconfig or "the pod's service account"
            raise NotRead(f"kubernetes: {where} gives no credentials: {error}") from None
        settings.retries = False
        settings.connection_pool_maxsize = 40
        return client.ApiClient(settings)


def _is_about(event: Fields, object_name: str | None) -> bool:
    name = text(event, "involvedObject.name")
    return object_name is None or name == object_name or name.startswith(f"{object_name}-")


def _ask(permission: str, read: Callable[..., object], *, seconds: int) -> bytes:
    try:
        answer = read(_preload_content=False, _request_timeout=(CONNECT_SECONDS, seconds))
        return _whole(answer, seconds)
    except ApiException as error:
        raise NotRead(_sentence(permission, error)) from None
    except (HTTPError, OSError) as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        raise NotRead(f"the Kubernetes API is not reachable; nothing was read: {reason}") from None


def _whole(answer: object, seconds: int) -> bytes:
    """All of the answer; of a part nobody would know what is missing, so it is none."""
    if not isinstance(answer, BaseHTTPResponse):
        raise TypeError(f"the Kubernetes client gave a {type(answer).__name__}")
    until = time.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    try:
        while part := answer.read1(_PART_BYTES):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise NotRead(f"the answer is larger than {MAX_BYTES} bytes; ask for less")
            if time.monotonic() > until:
                raise NotRead(
                    f"the answer is cut: {size} bytes came in {seconds} s and it was not "
                    "at its end; nothing of it is shown; ask for less"
                )
    except (HTTPError, OSError) as error:
        raise NotRead(
            f"the answer is cut: it broke off after {size} bytes ({type(error).__name__}); nothing "
            "of it is shown; ask again"
        ) from None
    finally:
        answer.close()
    return b"".join(parts)


def _json(content: bytes) -> Fields:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotRead("the Kubernetes API gave an answer that is no JSON object")
    return found


def _sentence(permission: str, error: ApiException) -> str:
    if not error.status:
        return f"the Kubernetes API is not reachable; nothing was read: {str(error.reason)[:300]}"
    if error.status == 403:
        return f"missing permission: {permission} (the Kubernetes API said 403)"
    if error.status == 401:
        return "the Kubernetes API refused the credentials (401); nothing was read"
    if error.status == 410:
        return "the Kubernetes API answered 410: the list changed while it was read; ask again"
    try:
        message = str(json.loads(error.body or "{}")["message"])
    except (ValueError, KeyError, TypeError):
        message = str(error.reason)
    wait = (error.headers or {}).get("Retry-After")
    when = f"; it can be asked again in {wait} s" if wait else ""
    return f"the Kubernetes API answered {error.status}: {message[:500]}{when}"
