"""Which lasting thing an alarm is about, where its labels say so. Pure.

A node, a volume or a database is the same one tomorrow; a pod is not, for its name changes at every
restart. So of an answered problem another node is news, and another pod is not.
"""

import hashlib
import json
import re

from bus.events import Alarm

NAMES = (
    *("persistentvolumeclaim", "persistentvolume", "horizontalpodautoscaler"),
    *("deployment", "statefulset", "daemonset", "cronjob", "job_name"),
    *("dbinstanceidentifier", "dbclusteridentifier", "targetgroup", "loadbalancer", "queuename"),
    *("tablename", "topic", "consumergroup"),
)
"""Labels and dimensions that name such a thing, without regard to case and underscores."""
_PODS = ("pod", "podname", "exportedpod")
_EXPORTERS = re.compile(r"kube-state-metrics|exporter")
"""Pods that measure other things: what else stands in their alarms is no place of theirs."""
_RUN = re.compile(r"-\d{6,12}$")
"""What a CronJob puts behind its own name for each Job that it makes."""
_DIMENSION = re.compile(r"^dimension_", re.IGNORECASE)


def object_of(alarm: Alarm) -> str:
    """The same for two alarms about the same things; empty where no lasting thing is named."""
    labels = {_plain(name): value.strip() for name, value in alarm.labels.items()}
    named = {name: labels[name] for name in map(_plain, NAMES) if labels.get(name)}
    if "jobname" in named:
        named["jobname"] = _RUN.sub("", named["jobname"])
    pod = next((labels[name] for name in _PODS if labels.get(name)), "")
    # Where a pod of a service runs changes with the pod.
    if not pod or _EXPORTERS.search(pod):
        named |= {"node": labels["node"]} if labels.get("node") else {}
    # An exporter of many things has an address of its own, which says nothing about them.
    if not named and (not pod or "node-exporter" in pod) and labels.get("instance"):
        named = {"instance": labels["instance"]}
    return _hash(named) if named else ""


def _plain(name: str) -> str:
    """One name for `QueueName`, `queue_name` and `dimension_QueueName`, as exporters write it."""
    return _DIMENSION.sub("", name).replace("_", "").lower()


def _hash(named: dict[str, str]) -> str:
    canonical = json.dumps(named, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
