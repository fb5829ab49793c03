"""What pods use of what they may use, quotas, and autoscalers."""

import re
from collections.abc import Iterator, Mapping

from services.toolrunner.remarks import Remark
from services.toolrunner.servers.rows import Fields, at, each, inside, number, one_line, row, text
from services.toolrunner.servers.workload import condition_row

POD_METRICS = "pods.metrics.k8s.io"
"""The resource that says what containers use."""
_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)([a-zA-Z]{0,2})")
_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_FACTORS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_LIMITED = {"ScalingLimited"}


def usage_rows(metrics: list[Fields], pods: list[Fields]) -> Iterator[str]:
    """A row for each container that is measured: what it uses, and of which limit."""
    containers = {
        (text(pod, "metadata.name"), text(container, "name")): container
        for pod in pods
        for container in each(pod, "spec.containers")
    }
    for measured in sorted(metrics, key=lambda item: text(item, "metadata.name")):
        pod = text(measured, "metadata.name")
        for part in each(measured, "containers"):
            name = text(part, "name")
            spec = containers.get((pod, name), {})
            yield row(
                f"usage of pod {pod} container {name}",
                **_of("cpu", part, spec=spec),
                **_of("memory", part, spec=spec),
                at=at(measured, "timestamp"),
            )
    known = {text(item, "metadata.name") for item in metrics}
    for pod_name in sorted({pod for pod, _ in containers} - known):
        said = "is not measured: it does not run, or only since now"
        yield Remark(f"usage of pod {pod_name} {said}")


def quota_row(quota: Fields) -> str:
    """Each resource that the quota limits, as used/hard."""
    used = inside(quota, "status.used")
    limits = inside(quota, "status.hard") or inside(quota, "spec.hard")
    facts = [f"{name}={used.get(name, '?')}/{limit}" for name, limit in sorted(limits.items())]
    return row(f"quota {text(quota, 'metadata.name')} used/allowed", *facts)


def autoscaler_rows(scaler: Fields) -> Iterator[str]:
    """A row for the autoscaler, and one for each condition that holds it back."""
    owner = f"autoscaler {text(scaler, 'metadata.name')}"
    target = inside(scaler, "spec.scaleTargetRef")
    current = [_metric(metric, "current") for metric in each(scaler, "status.currentMetrics")]
    yield row(
        owner,
        of=f"{text(target, 'kind')}/{text(target, 'name')}",
        replicas=number(scaler, "status.currentReplicas"),
        wanted=number(scaler, "status.desiredReplicas"),
        min=at(scaler, "spec.minReplicas"),
        max=at(scaler, "spec.maxReplicas"),
        target=",".join(_metric(metric, "target") for metric in each(scaler, "spec.metrics")),
        now=",".join(current),
        last_scaled=at(scaler, "status.lastScaleTime"),
    )
    for condition in each(scaler, "status.conditions"):
        holds = condition.get("status") == "True"
        if holds == (condition.get("type") in _LIMITED):
            yield condition_row(owner, condition)


def amount(quantity: str) -> float | None:
    """A quantity such as 250m or 128Mi as a number; None where it is none."""
    found = _QUANTITY.fullmatch(quantity)
    if found is None or found[2] not in _FACTORS:
        return None
    return float(found[1]) * _FACTORS[found[2]]


def _of(resource: str, part: Fields, *, spec: Fields) -> dict[str, str]:
    used = text(part, f"usage.{resource}")
    limit = text(spec, f"resources.limits.{resource}")
    facts = {
        resource: _plain(resource, used),
        f"{resource}_request": text(spec, f"resources.requests.{resource}"),
        f"{resource}_limit": limit,
    }
    used_amount, most = amount(used), amount(limit)
    if used_amount is not None and most:
        facts[f"{resource}_of_limit"] = f"{100 * used_amount / most:.0f}%"
    return facts


def _plain(resource: str, quantity: str) -> str:
    """The quantity in milli-CPUs or mebibytes, as requests and limits are written."""
    value = amount(quantity)
    if value is None:
        return quantity
    return f"{value * 1000:.0f}m" if resource == "cpu" else f"{value / 2**20:.0f}Mi"


def _metric(metric: Fields, kind: str) -> str:
    """A metric of an autoscaler with its target or its current value."""
    form = text(metric, "type")
    inner = inside(metric, form[:1].lower() + form[1:])
    name = text(inner, "name") or text(inner, "metric.name") or form
    values: Mapping[str, object] = inside(inner, kind)
    shown = [str(value) for key, value in values.items() if key != "type"]
    percent = "%" if "averageUtilization" in values else ""
    return one_line(f"{name}:{shown[0] if shown else '?'}{percent}")
