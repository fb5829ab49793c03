"""The Kubernetes API as the tools read it: some namespaces, under time and size caps, in pages.

Of the client library only its credentials and connections are used, and paths are written here.
Its classes for each API come with a model for every object: seconds and memory for nothing, since
what is read stays JSON.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, TypeVar

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ProtocolError

from services.toolrunner.servers.long_log import in_time, text_of
from services.toolrunner.servers.not_read import NotRead, NotServed
from services.toolrunner.servers.rows import Fields, each, text
from services.toolrunner.servers.settings import ServersSettings
from services.toolrunner.servers.usage import POD_METRICS

MAX_BYTES = 6 * 1024 * 1024
PAGE_ITEMS = 250
"""A page of larger pods than are usual still fits into MAX_BYTES."""
MAX_PAGES = 40
CONNECT_SECONDS = 3.0
_CORE, _APPS, _BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
_GETS = {
    "deployments": _APPS,
    "statefulsets": _APPS,
    "daemonsets": _APPS,
    "jobs": _BATCH,
    "cronjobs": _BATCH,
}
_LISTS = _GETS | {
    "pods": _CORE,
    "events": _CORE,
    "services": _CORE,
    "resourcequotas": _CORE,
    "replicasets": _APPS,
    "controllerrevisions": _APPS,
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    POD_METRICS: "/apis/metrics.k8s.io/v1beta1",
}
"""Whatever the API has, only these are read, and where: no secrets, no config maps."""
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
        path = f"{_GETS[resource]}/namespaces/{namespace}/{resource}/{name}"
        read = partial(self._get, path, {})
        return _json(self._ask(f"get {resource} in namespace {namespace}", read))

    def every(self, resource: str, namespace: str, *, labels: str = "") -> list[Fields]:
        """All objects of a resource in the namespace, those with such labels alone when given."""
        found: list[Fields] = []
        query: dict[str, object] = {"labelSelector": labels} if labels else {}
        query["limit"] = PAGE_ITEMS
        path = f"{_LISTS[resource]}/namespaces/{namespace}/{resource.partition('.')[0]}"
        for _ in range(MAX_PAGES):
            read = partial(self._get, path, query)
            answer = _json(self._ask(f"list {resource} in namespace {namespace}", read))
            found += each(answer, "items")
            query["continue"] = text(answer, "metadata.continue")
            if not query["continue"]:
                return found
        raise NotRead(f"there are more than {len(found)} objects; nothing is shown of them")

    def log(self, pod: str, namespace: str, **options: object) -> str:
        """The log of a pod's container, as the API's options cut it; a very long one condensed."""
        read = partial(self._get, f"{_CORE}/namespaces/{namespace}/pods/{pod}/log", options)
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

    def _get(self, path: str, query: Fields, *, timeout: tuple[float, float]) -> object:
        """The beginning of an answer; what it holds was not read yet. Raises ApiException."""
        api: Any = self._api  # its methods have no types
        headers = {"Accept": "application/json, */*"}
        asked = api.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params=headers,
            auth_settings=["BearerToken"],
        )
        answer = api.call_api(*asked, _request_timeout=timeout)
        if not 200 <= answer.status <= 299:
            answer.read()
            raise ApiException(http_resp=answer)
        return answer.response

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
        answer = _opened(read, seconds)
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
    asked = partial(read, timeout=(CONNECT_SECONDS, seconds))
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
