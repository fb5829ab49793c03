"""The Kubernetes stand-in on the wire: who asks, may they, what is the answer, note it down."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.faults import Fault, Faults
from simulator.kubernetes import discovery
from simulator.kubernetes.access import (
    METRICS,
    Ask,
    accepts_json,
    check_access,
    is_allowed,
    path_forbidden,
    read_ask,
    read_user,
)
from simulator.kubernetes.answers import (
    Refused,
    bad_request,
    no_such_group,
    no_such_resource,
    not_acceptable,
    not_found,
)
from simulator.kubernetes.faulty import possible, refuse, spoilt_log
from simulator.kubernetes.objects import list_objects
from simulator.kubernetes.pod_logs import read_pod_log
from simulator.kubernetes.selectors import field_test, label_test, page
from simulator.kubernetes.shapes import Object, dig
from simulator.kubernetes.tables import table
from simulator.logs import check_logs
from simulator.request_log import RequestLog
from simulator.scenario import Scenario
from simulator.striking import NO_ANSWER, SILENT, silence, spoilt

STAND_IN = "kubernetes"
_REVIEWS = "selfsubjectaccessreviews"
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_Endpoint = Callable[[Request], Awaitable[Response]]


def build_kubernetes(
    scenario: Scenario, log: RequestLog, *, tokens: Mapping[str, str], faults: Faults | None = None
) -> Starlette:
    """An app that answers as the scenario's cluster; `tokens` says which user a bearer token is.

    Every user may get and list in the scenario's namespace, without secrets and config maps and
    without what the scenario denies, and nothing else. Serve it over TLS: clients send no token
    over plain HTTP. Ages and logs count back from the moment of the request. `faults` strike what
    is asked of resources. Raises ScenarioError when a pod names a log that does not exist or cannot
    be written.
    """
    pods = scenario.cluster.pods
    named = [name for pod in pods for name in (pod.log, pod.previous_log) if name]
    check_logs(scenario.cluster.logs, named)
    desk = _Desk(scenario, log, tokens=tokens, faults=faults or Faults())
    open_paths = [_route(path, desk.logged(desk.open_path)) for path in _OPEN_PATHS]
    return Starlette(
        routes=[
            *open_paths,
            _route("/api", desk.logged(desk.discover)),
            _route("/apis", desk.logged(desk.discover)),
            _route("/api/v1", desk.logged(desk.discover)),
            _route("/apis/{group}/{version}", desk.logged(desk.discover)),
            _route("/api/v1/{rest:path}", desk.logged(desk.resource)),
            _route("/apis/{group}/{version}/{rest:path}", desk.logged(desk.resource)),
            _route("/{rest:path}", desk.logged(desk.other)),
        ]
    )


def _route(path: str, endpoint: _Endpoint) -> Route:
    return Route(path, endpoint, methods=_EVERY_METHOD)


class _Desk:
    def __init__(
        self, scenario: Scenario, log: RequestLog, *, tokens: Mapping[str, str], faults: Faults
    ) -> None:
        self._cluster = scenario.cluster
        self._served = discovery.served(metrics=scenario.cluster.metrics_server)
        self._log = log
        self._tokens = tokens
        self._faults = faults

    def logged(self, endpoint: _Endpoint) -> _Endpoint:
        async def answer(request: Request) -> Response:
            asked = f"{request.method} {request.url.path}"
            facts: dict[str, object] = {"query": request.url.query} if request.url.query else {}
            fault = request.state.fault = self._due(request, asked)
            if fault is not None:
                facts["fault"] = fault.fault
            if fault is not None and fault.fault in SILENT:
                self._log.record(STAND_IN, asked, status=NO_ANSWER, **facts)
                return await silence(fault, request)
            try:
                response = await endpoint(request)
            except Refused as refused:
                response = refused.answer()
                facts["refused"] = str(refused)
            facts["user"] = getattr(request.state, "user", None)
            self._log.record(STAND_IN, asked, status=response.status_code, **facts)
            return await spoilt(fault, response, request=request)

        return answer

    def _due(self, request: Request, asked: str) -> Fault | None:
        if "rest" not in request.path_params:
            return None
        ask = read_ask(request, request.path_params.get("group", ""))
        if not ask.namespace:
            return None
        among = possible(ask)
        return self._faults.take(STAND_IN, asked, about=request.url.query, among=among)

    def _user(self, request: Request) -> str:
        request.state.user = read_user(request, self._tokens)
        return str(request.state.user)

    async def open_path(self, request: Request) -> Response:
        # Anyone may see whether the server lives, but a wrong token is refused even here.
        user = "system:anonymous"
        if "authorization" in request.headers:
            user = self._user(request)
        if request.method not in ("GET", "HEAD"):
            raise path_forbidden(user, request)
        if request.url.path.rstrip("/") == "/version":
            return JSONResponse(discovery.SERVER_VERSION)
        return PlainTextResponse("ok")

    async def discover(self, request: Request) -> Response:
        user = self._user(request)
        if request.method not in ("GET", "HEAD"):
            raise path_forbidden(user, request)
        if request.url.path in ("/api", "/apis"):
            known = discovery.groups(self._served)
            return JSONResponse(discovery.versions() if request.url.path == "/api" else known)
        group_version = _group_version(request)
        if group_version not in self._served:
            return no_such_group()
        return JSONResponse(discovery.resources(group_version))

    async def other(self, request: Request) -> Response:
        raise path_forbidden(self._user(request), request)

    async def resource(self, request: Request) -> Response:
        user = self._user(request)
        ask = read_ask(request, request.path_params.get("group", ""))
        if ask.group == "authorization.k8s.io" and ask.resource == _REVIEWS:
            return await self._review(request, ask)
        group_version = _group_version(request)
        self._allow(request, ask, user=user)
        if group_version not in self._served:
            return no_such_group()
        kind, now = _kind(request, ask, group_version=group_version), datetime.now(UTC)
        if ask.resource == "pods/log":
            return self._pod_log(request, ask, now=now)
        return self._objects(request, ask, kind=kind, now=now)

    def _objects(self, request: Request, ask: Ask, *, kind: str, now: datetime) -> Response:
        group_version = _group_version(request)
        known = list_objects(self._cluster, ask.resource, now=now, group=ask.group)
        if ask.verb == "get":
            item = _find(known, ask)
            return _one(
                request, ask, item=item | {"kind": kind, "apiVersion": group_version}, now=now
            )
        query = request.query_params
        tests = (
            label_test(query.get("labelSelector", "")),
            field_test(ask.resource, query.get("fieldSelector", "")),
        )
        # The metrics server gives all of them, whatever the limit.
        pages = {} if ask.group == METRICS else query
        items, head = page([item for item in known if all(test(item) for test in tests)], pages)
        if _as_table(request):
            full = [item | {"kind": kind, "apiVersion": group_version} for item in items]
            return JSONResponse(_table(request, ask, items=full, head=head, now=now))
        answer = {"kind": f"{kind}List", "apiVersion": group_version, "metadata": head}
        return JSONResponse(answer | {"items": items})

    def _allow(self, request: Request, ask: Ask, *, user: str) -> None:
        """Raises Refused for what may not be answered."""
        fault: Fault | None = request.state.fault
        if fault is not None:
            refuse(fault, ask, user=user)
        check_access(self._cluster, user, ask=ask)

    def _pod_log(self, request: Request, ask: Ask, *, now: datetime) -> Response:
        for pod in self._cluster.pods:
            if pod.name == ask.name:
                text = read_pod_log(self._cluster, pod, query=request.query_params, now=now)
                return spoilt_log(request.state.fault, text, query=request.query_params)
        raise not_found("pods", ask.name, group="")

    async def _review(self, request: Request, ask: Ask) -> Response:
        if ask.verb != "create":
            raise bad_request(f"a review is created, not asked for with {request.method}")
        wanted: Object = {}
        # Without a content type the API server reads JSON.
        if "json" in request.headers.get("content-type", "json"):
            try:
                wanted = json.loads(await request.body())
            except ValueError as error:
                raise bad_request("the body is not JSON") from error
        review = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        spec = dig(wanted, "spec")
        # What is said in protobuf is not read, so it is answered with a no.
        status = {"allowed": is_allowed(self._cluster, _asked_for(spec))}
        answer = review | {"metadata": {}, "spec": spec or {}, "status": status}
        return JSONResponse(answer, status_code=201)


def _kind(request: Request, ask: Ask, *, group_version: str) -> str:
    """The kind that is asked for. Raises Refused for what can not be answered."""
    kind = discovery.kind_of(group_version, ask.resource)
    if kind is None:
        raise no_such_resource()
    if not accepts_json(request):
        raise not_acceptable()
    return kind


def _group_version(request: Request) -> str:
    group = request.path_params.get("group", "")
    return f"{group}/{request.path_params['version']}" if group else "v1"


def _find(items: list[Object], ask: Ask) -> Object:
    for item in items:
        if dig(item, "metadata.name") == ask.name:
            return item
    if ask.group == METRICS:
        raise not_found("podmetrics", f"{ask.namespace}/{ask.name}", group=METRICS)
    raise not_found(ask.resource, ask.name, group=ask.group)


def _one(request: Request, ask: Ask, *, item: Object, now: datetime) -> Response:
    if _as_table(request):
        return JSONResponse(
            _table(request, ask, items=[item], head={"resourceVersion": "1"}, now=now)
        )
    return JSONResponse(item)


def _as_table(request: Request) -> bool:
    first = request.headers.get("accept", "").partition(",")[0]
    return "as=Table" in first and "g=meta.k8s.io" in first and "v=v1" in first


def _table(
    request: Request, ask: Ask, *, items: list[Object], head: Object, now: datetime
) -> Object:
    include = request.query_params.get("includeObject", "Metadata")
    if include not in ("Metadata", "Object", "None"):
        raise bad_request(f"unrecognized includeObject value: {include!r}")
    return table(ask.resource, items, head=head, now=now, include=include)


def _asked_for(spec: object) -> Ask:
    attributes = dig(spec, "resourceAttributes")
    words = {
        key: str(dig(attributes, key) or "")
        for key in ("verb", "group", "resource", "subresource", "namespace", "name")
    }
    subresource = words.pop("subresource")
    if subresource:
        words["resource"] += f"/{subresource}"
    return Ask(**words)
