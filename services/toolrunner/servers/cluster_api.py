"""The Kubernetes API as the tools read it: some namespaces, under time and size caps, in pages."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TypeVar

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ProtocolError

from services.toolrunner.servers.long_log import in_time, text_of
from services.toolrunner.servers.not_read import NotRead, NotServed
from services.toolrunner.servers.rows import Fields, each, text
from services.toolrunner.servers.settings import ServersSettings

MAX_BYTES = 6 * 1024 * 1024
PAGE_ITEMS = 250
"""A page of larger pods than are usual still fits into MAX_BYTES."""
MAX_PAGES = 40
CONNECT_SECONDS = 3.0
POD_METRICS = "pods.metrics.k8s.io"
_PART_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
Read = Callable[..., object]
T = TypeVar("T")


class ClusterApi:
    """Reads; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    def check(self, namespace: str, *names: str) -> None:
        """Raises NotRead unless the namespace may be read and each name is one."""
        allowed = self._settings.namespace_names
        if not allowed:
            raise NotRead("no namespace may be read: NIGHTSHIFT_NAMESPACES is not set")
        if namespace not in allowed:
            raise NotRead(
                f"namespace {namespace[:80]!r} is not readable; these are: {', '.join(allowed)}"
            )
        for name in names:
            if not _NAME.fullmatch(name):
                raise NotRead(f"{name[:80]!r} is not a Kubernetes name")

    def one(self, resource: str, name: str, *, namespace: str) -> Fields:
        """One object of a resource, such as `deployments`."""
        read = partial(self._gets[resource], name, namespace)
        return _json(self._ask(f"get {resource} in namespace {namespace}", read))

    def every(self, resource: str, namespace: str, *, labels: str = "") -> list[Fields]:
        """All objects of a resource in the namespace, those with such labels alone when given."""
        found: list[Fields] = []
        query = {"label_selector": labels} if labels else {}
        for _ in range(MAX_PAGES):
            read = partial(self._lists[resource], namespace, limit=PAGE_ITEMS, **query)
            answer = _json(self._ask(f"list {resource} in namespace {namespace}", read))
            found += each(answer, "items")
            query["_continue"] = text(answer, "metadata.continue")
            if not query["_continue"]:
                return found
        raise NotRead(f"there are more than {len(found)} objects; nothing is shown of them")

    def log(self, pod: str, namespace: str, **options: object) -> str:
        """The log of a pod's container, as its options cut it; a very long one condensed."""
        log: Read = self._core.read_namespaced_pod_log
        read = partial(log, pod, namespace, **options)
        seconds = self._settings.answer_seconds
        permission = f"get pods/log in namespace {namespace}"
        take = partial(text_of, whole=MAX_BYTES, seconds=seconds, mark=self._settings.mark)
        return _ask(permission, read, take=take, seconds=seconds)

    def close(self) -> None:
        """Close the connections to the API, if there are any."""
        if "_api" in self.__dict__:
            # Dropping the pools would leave it to the garbage collector to close what they hold.
            pools = self._api.rest_client.pool_manager.pools
            for key in list(pools.keys()):
                pools[key].close()

    def _ask(self, permission: str, read: Read) -> bytes:
        seconds = self._settings.answer_seconds
        return _ask(permission, read, take=partial(_whole, seconds=seconds), seconds=seconds)

    @cached_property
    def _core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self._api)

    @cached_property
    def _gets(self) -> dict[str, Read]:
        apps, batch = client.AppsV1Api(self._api), client.BatchV1Api(self._api)
        return {
            "deployments": apps.read_namespaced_deployment,
            "statefulsets": apps.read_namespaced_stateful_set,
            "daemonsets": apps.read_namespaced_daemon_set,
            "jobs": batch.read_namespaced_job,
            "cronjobs": batch.read_namespaced_cron_job,
        }

    @cached_property
    def _lists(self) -> dict[str, Read]:
        apps, batch = client.AppsV1Api(self._api), client.BatchV1Api(self._api)
        scaling, network = client.AutoscalingV2Api(self._api), client.NetworkingV1Api(self._api)
        slices = client.DiscoveryV1Api(self._api).list_namespaced_endpoint_slice
        # Whatever a client library knows, only these are read: no secrets, no config maps.
        return {
            "pods": self._core.list_namespaced_pod,
            "events": self._core.list_namespaced_event,
            "services": self._core.list_namespaced_service,
            "resourcequotas": self._core.list_namespaced_resource_quota,
            "deployments": apps.list_namespaced_deployment,
            "statefulsets": apps.list_namespaced_stateful_set,
            "daemonsets": apps.list_namespaced_daemon_set,
            "replicasets": apps.list_namespaced_replica_set,
            "controllerrevisions": apps.list_namespaced_controller_revision,
            "jobs": batch.list_namespaced_job,
            "cronjobs": batch.list_namespaced_cron_job,
            "endpointslices": slices,
            "networkpolicies": network.list_namespaced_network_policy,
            "horizontalpodautoscalers": scaling.list_namespaced_horizontal_pod_autoscaler,
            POD_METRICS: partial(
                client.CustomObjectsApi(self._api).list_namespaced_custom_object,
                "metrics.k8s.io",
                "v1beta1",
                plural="pods",
            ),
        }

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


def _ask(permission: str, read: Read, *, take: Callable[[Iterator[bytes]], T], seconds: int) -> T:
    try:
        answer = _opened(partial(read, _preload_content=False), seconds)
        if not isinstance(answer, BaseHTTPResponse):
            raise TypeError(f"the Kubernetes client gave a {type(answer).__name__}")
        with contextlib.closing(answer):
            return take(_parts(answer))
    except ApiException as error:
        kind = NotServed if error.status == 404 else NotRead
        raise kind(_sentence(permission, error)) from None
    except (HTTPError, OSError) as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        raise NotRead(f"the Kubernetes API is not reachable; nothing was read: {reason}") from None


def _opened(read: Read, seconds: int) -> object:
    """The beginning of an answer; asked once more where a kept connection turned out closed."""
    asked = partial(read, _request_timeout=(CONNECT_SECONDS, seconds))
    try:
        return asked()
    except ProtocolError:
        return asked()


def _parts(answer: BaseHTTPResponse) -> Iterator[bytes]:
    """The answer as it comes. Raises NotRead where it breaks off."""
    size = 0
    try:
        while part := answer.read1(_PART_BYTES):
            yield part
            size += len(part)
    except (HTTPError, OSError) as error:
        raise NotRead(
            f"the answer is cut: it broke off after {size} bytes ({type(error).__name__}); nothing "
            "of it is shown; ask again"
        ) from None


def _whole(parts: Iterator[bytes], seconds: int) -> bytes:
    """All of the answer; of a part nobody would know what is missing, so it is none."""
    content = bytearray()
    for part in in_time(parts, seconds):
        content += part
        if len(content) > MAX_BYTES:
            raise NotRead(f"the answer is larger than {MAX_BYTES} bytes; ask for less")
    return bytes(content)


def _json(content: bytes) -> Fields:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
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
