"""Services with what stands behind them, and network policies in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.toolrunner.servers.rows import Fields, at, each, inside, pairs, row, text, words

_NAME_OF_SERVICE = "kubernetes.io/service-name"
_MOST_NAMED = 10


@dataclass(frozen=True)
class Behind:
    """The pods of a namespace and its EndpointSlices, None where they could not be read."""

    pods: list[Fields] | None
    slices: list[Fields] | None


def service_rows(service: Fields, behind: Behind) -> Iterator[str]:
    """A row for the service, and one for each thing that keeps a caller from an answer."""
    name = text(service, "metadata.name")
    owner = f"service {name}"
    selector = inside(service, "spec.selector")
    ends = _endpoints(name, behind.slices) if behind.slices is not None else None
    ready = [end for end in ends or [] if at(end, "conditions.ready") is not False]
    waiting = [end for end in ends or [] if at(end, "conditions.ready") is False]
    yield row(
        owner,
        type=at(service, "spec.type"),
        external_name=at(service, "spec.externalName"),
        cluster_ip=at(service, "spec.clusterIP"),
        ports=",".join(map(_port, each(service, "spec.ports"))),
        selector=pairs(selector) or "none",
        endpoints_ready=None if ends is None else len(ready),
        endpoints_not_ready=None if ends is None else len(waiting),
        not_ready_pods=",".join(text(end, "targetRef.name") for end in waiting[:_MOST_NAMED]),
    )
    if selector and behind.pods is not None:
        meant = [pod for pod in behind.pods if _has(pod, selector)]
        yield from _problems(owner, service, meant=meant, ends=ends)


def policy_rows(policy: Fields, pods: list[Fields] | None) -> Iterator[str]:
    """Whom the policy is about, then who may reach them, and whom they may reach."""
    owner = f"network policy {text(policy, 'metadata.name')}"
    subject = inside(policy, "spec.podSelector")
    count = "" if pods is None else f" ({_count(pods, subject)} now)"
    yield f"{owner}: is about {_pods(subject)}{count}"
    kinds = words(policy, "spec.policyTypes").split() or ["Ingress"]
    if "Ingress" in kinds:
        rules = each(policy, "spec.ingress")
        yield from _rules(f"{owner}: they may be reached", rules, way="from")
    if "Egress" in kinds:
        yield from _rules(f"{owner}: they may reach", each(policy, "spec.egress"), way="to")


def unlimited_row(policies: list[Fields], pods: list[Fields]) -> str:
    """The pods that no policy is about: they may reach, and be reached by, everybody."""
    free = [
        text(pod, "metadata.name")
        for pod in pods
        if not any(_selects(inside(policy, "spec.podSelector"), pod) for policy in policies)
    ]
    named = ", ".join(free[:_MOST_NAMED]) + (", …" if len(free) > _MOST_NAMED else "")
    return f"pods that no network policy is about, so nothing is blocked: {named or 'none'}"


def _problems(
    owner: str, service: Fields, *, meant: list[Fields], ends: list[Fields] | None
) -> Iterator[str]:
    selector = pairs(inside(service, "spec.selector"))
    if not meant:
        yield f"{owner}: its selector {selector} matches no pod"
        return
    if ends is not None and not ends:
        yield f"{owner}: its selector matches pods ({len(meant)}), but none of them is an endpoint"
    declared = {port for pod in meant for port in _declared(pod)}
    for port in each(service, "spec.ports"):
        target = text(port, "targetPort") or text(port, "port")
        if declared and target not in declared:
            known = ", ".join(sorted(declared))
            yield f"{owner}: no pod declares its target port {target}; they declare {known}"


def _declared(pod: Fields) -> Iterator[str]:
    for container in each(pod, "spec.containers"):
        for port in each(container, "ports"):
            yield from filter(None, (text(port, "containerPort"), text(port, "name")))


def _endpoints(service: str, slices: list[Fields]) -> list[Fields]:
    return [
        end
        for part in slices
        if inside(part, "metadata.labels").get(_NAME_OF_SERVICE) == service
        for end in each(part, "endpoints")
    ]


def _port(port: Fields) -> str:
    target = text(port, "targetPort") or text(port, "port")
    node = f"(node {text(port, 'nodePort')})" if text(port, "nodePort") else ""
    return f"{text(port, 'port')}->{target}/{text(port, 'protocol') or 'TCP'}{node}"


def _rules(says: str, rules: list[Fields], *, way: str) -> Iterator[str]:
    if not rules:
        yield f"{says} by nobody" if way == "from" else f"{says} nobody"
    for rule in rules:
        ports = ", ".join(map(_allowed_port, each(rule, "ports"))) or "any"
        peers = each(rule, way)
        known = "anybody" if not peers else "; or ".join(map(_peer, peers))
        yield f"{says} {'by ' if way == 'from' else ''}{known}, on ports: {ports}"


def _allowed_port(port: Fields) -> str:
    last = f"-{text(port, 'endPort')}" if text(port, "endPort") else ""
    return f"{text(port, 'protocol') or 'TCP'}/{text(port, 'port') or 'any'}{last}"


def _peer(peer: Fields) -> str:
    if "ipBlock" in peer:
        without = words(peer, "ipBlock.except")
        return f"addresses in {text(peer, 'ipBlock.cidr')}" + (
            f" without {without}" if without else ""
        )
    who = _pods(inside(peer, "podSelector"))
    if "namespaceSelector" not in peer:
        return f"{who} of this namespace"
    where = _selector(inside(peer, "namespaceSelector"))
    return f"{who} of {f'namespaces with {where}' if where else 'all namespaces'}"


def _pods(selector: Fields) -> str:
    said = _selector(selector)
    return f"pods with {said}" if said else "all pods"


def _selector(selector: Fields) -> str:
    said = [f"{name}={value}" for name, value in sorted(inside(selector, "matchLabels").items())]
    for rule in each(selector, "matchExpressions"):
        values = words(rule, "values").replace(" ", ",")
        listed = f" ({values})" if values else ""
        said.append(f"{text(rule, 'key')} {text(rule, 'operator')}{listed}")
    return ",".join(said)


def _count(pods: list[Fields], selector: Fields) -> str:
    count = sum(_selects(selector, pod) for pod in pods)
    return f"{count} pod{'' if count == 1 else 's'}"


def _selects(selector: Fields, pod: Fields) -> bool:
    labels = inside(pod, "metadata.labels")
    return _has(pod, inside(selector, "matchLabels")) and all(
        _meets(labels, rule) for rule in each(selector, "matchExpressions")
    )


def _meets(labels: Fields, rule: Fields) -> bool:
    key, operator = text(rule, "key"), rule.get("operator")
    listed = words(rule, "values").split()
    if operator == "In":
        return labels.get(key) in listed
    if operator == "NotIn":
        return labels.get(key) not in listed
    return (key in labels) == (operator == "Exists")


def _has(pod: Fields, labels: Mapping[str, object]) -> bool:
    own = inside(pod, "metadata.labels")
    return all(own.get(name) == value for name, value in labels.items())
