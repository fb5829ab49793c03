"""Who asks, for what, and whether RBAC lets them: a read-only role in one namespace."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from simulator.kubernetes.answers import Refused, unauthorized
from simulator.kubernetes.shapes import Object
from simulator.scenario import ClusterSetup

METRICS = "metrics.k8s.io"
READABLE = {
    "": frozenset({"pods", "pods/log", "events", "services", "resourcequotas"}),
    "apps": frozenset(
        {"deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"}
    ),
    "batch": frozenset({"jobs", "cronjobs"}),
    "discovery.k8s.io": frozenset({"endpointslices"}),
    "networking.k8s.io": frozenset({"networkpolicies"}),
    "autoscaling": frozenset({"horizontalpodautoscalers"}),
    METRICS: frozenset({"pods"}),
}
"""The read-only role: by group, what may be read in the one namespace."""
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}
_TRUTHY_EXCEPTIONS = {"false", "0", ""}


@dataclass(frozen=True)
class Ask:
    """One request in RBAC's words; `resource` holds the subresource, as in pods/log."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def read_user(request: Request, tokens: Mapping[str, str]) -> str:
    """The user whom the bearer token belongs to. Raises Refused (401) when it is nobody's."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token.strip() not in tokens:
        raise unauthorized()
    return tokens[token.strip()]


def read_ask(request: Request, group: str) -> Ask:
    """What a resource path asks for, read as the API server reads it."""
    parts = [part for part in str(request.path_params["rest"]).split("/") if part]
    namespace = ""
    if len(parts) >= 2 and parts[0] == "namespaces":
        namespace = parts[1]
        if len(parts) >= 3 and parts[2] not in ("status", "finalize"):
            parts = parts[2:]
    resource = parts[0] if parts else ""
    name = parts[1] if len(parts) > 1 else ""
    if len(parts) > 2:
        resource = f"{resource}/{parts[2]}"
    return Ask(_verb(request, name), group, resource, namespace, name)


def check_access(cluster: ClusterSetup, user: str, *, ask: Ask) -> None:
    """Raises Refused (403) in the API's words unless the user may do it."""
    if not is_allowed(cluster, ask):
        raise forbidden(user, ask)


def is_allowed(cluster: ClusterSetup, ask: Ask) -> bool:
    """Whether the role lets its holder do it: get and list, in the scenario's namespace."""
    return (
        ask.verb in ("get", "list")
        and ask.namespace == cluster.namespace
        and ask.resource in READABLE.get(ask.group, frozenset())
        and deniable(ask.group, ask.resource) not in cluster.denied
    )


def deniable(group: str, resource: str) -> str:
    """A resource by the name under which a scenario denies it: pods are not those of metrics."""
    return f"{resource}.{group}" if group == METRICS else resource


def path_forbidden(user: str, request: Request) -> Refused:
    """The answer to a path that is no resource and that nobody was allowed to see."""
    verb = _VERBS.get(request.method, request.method.lower())
    path = request.url.path
    message = f'forbidden: User "{user}" cannot {verb} path "{path}"'
    return Refused(403, "Forbidden", message=message, details={})


def accepts_json(request: Request) -> bool:
    """Whether the client takes what this server writes."""
    wanted = [
        part.partition(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")
    ]
    return any(
        part in ("application/json", "application/*", "*/*", "text/plain") for part in wanted
    )


def truthy(value: str | None) -> bool:
    """A query value as the API server reads booleans: anything but false, 0 and nothing."""
    return value is not None and value.lower() not in _TRUTHY_EXCEPTIONS


def _verb(request: Request, name: str) -> str:
    if request.method == "DELETE":
        return "delete" if name else "deletecollection"
    if request.method not in ("GET", "HEAD"):
        return _VERBS.get(request.method, request.method.lower())
    if truthy(request.query_params.get("watch")):
        return "watch"
    return "get" if name else "list"


def forbidden(user: str, ask: Ask) -> Refused:
    """The answer to what the role does not let its holder do."""
    resource = ask.resource.partition("/")[0]
    kind = f"{resource}.{ask.group}" if ask.group else resource
    subject = f'{kind} "{ask.name}"' if ask.name else kind
    place = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user}" cannot {ask.verb} resource "{ask.resource}" '
        f'in API group "{ask.group}" {place}'
    )
    details: Object = {"kind": resource}
    details |= {"group": ask.group} if ask.group else {}
    details |= {"name": ask.name} if ask.name else {}
    return Refused(403, "Forbidden", message=message, details=details)
