"""Which service an alarm is about. Pure.

Alarms name their service in their dimensions, their name or their metric, each team in its own way:
`cartservice-error`, `prod-cart-service-5xx`, `cartserviceErrorCount`. What names a workload is
believed as it stands. Of anything else a list of known services settles it; without one the words
are read.
"""

import re
from collections.abc import Sequence

from bus.events import Alarm
from services.ingest.known_names import ENVIRONMENTS, listed_as, named_in, plain_words, words_of

WORKLOADS = (
    *("servicename", "service", "service.name", "service_name", "deployment", "podname"),
    *("functionname", "app", "app_kubernetes_io_name", "application", "statefulset", "daemonset"),
    *("exported_pod", "pod", "pod_name"),
    *("job_name", "cronjob", "destination_workload"),
)
"""Labels that name what runs, in the order in which they are believed."""
SERVICE_DIMENSIONS = (
    *WORKLOADS,
    *("containername", "container", "container_name", "job"),
    *("dbinstanceidentifier", "dbclusteridentifier", "dimension_dbinstanceidentifier"),
    *("dbinstance_identifier", "targetgroup", "loadbalancer", "queuename", "tablename"),
    *("apiname", "cacheclusterid", "streamname"),
)
"""Labels that name a service, in the order in which they are believed.

A pod before its container: whole shops call the container of every service `server`.
"""
_OF_JOBS = re.compile(r"-\d{8,10}$")
"""What CronJobs put behind the name of each of their Jobs."""
_OF_PODS = ("podname", "exported_pod", "pod", "pod_name")
_SCRAPES = re.compile(
    r"kube-state-metrics|node-exporter|kubelet|cadvisor|blackbox|(?:^|-)exporter$|^yace$"
)
"""Who measured, not what was measured: Prometheus names its own target by `service` and `job`."""
_POD_HASHES = re.compile(r"-[a-f0-9]{6,10}-[a-z0-9]{5}$")
_AWS_RESOURCE = re.compile(r"^(?:targetgroup|app|net|gwy)/([^/]+)/[0-9a-f]{8,}$")
"""How load balancers and their target groups are named in dimensions."""
_POD_NUMBER = re.compile(r"-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|\d{1,4})$")
"""What DaemonSets, Jobs and StatefulSets put behind a pod's name: Kubernetes has no vowels here."""
_SAYS_NO_SERVICE = re.compile(
    rf"{ENVIRONMENTS}|"
    # grades
    r"alarm|alert|crit|critical|fatal|info|p[1-4]|severe|sev[1-4]|warn|warning|"
    # symptoms
    r"availability|breach|breached|crash|crashes|crashloop|degraded|down|error|errors|exceeded|"
    r"exception|exceptions|fail|failed|failing|failure|failures|health|healthy|latency|missing|"
    r"oom|restart|restarts|slow|throttled|throttles|timeout|timeouts|unhealthy|[45]xx|[45][0-9]{2}|"
    # measures
    r"average|avg|count|cpu|disk|duration|http|log|logs|max|memory|metric|min|p[59][059]|percent|"
    r"rate|request|requests|status|sum|time|usage|utilization|"
    # and the words between them
    r"all|any|high|in|is|low|not|of|on|the|too"
)


def service_of(alarm: Alarm, known: Sequence[str] = ()) -> str:
    """The service's name, at most 200 characters; the alarm's own name where nothing says more."""
    workloads, others = _dimensions(alarm)
    texts = [*workloads, *others, *_other_texts(alarm)]
    found = _as_it_stands(workloads, known)
    found = found or next(filter(None, (named_in(text, known) for text in texts)), "")
    found = found or next(iter(others), "")
    found = found or next(filter(None, map(_called_service, texts)), "")
    named = found or _without_symptoms(alarm.name) or alarm.name
    return " ".join(named.split())[:200]


def _as_it_stands(workloads: Sequence[str], known: Sequence[str]) -> str:
    """The workload that is believed first: as it is listed, else by its own name.

    Another one that is listed may be a part of its name, or its container's, and is not meant.
    """
    return next((listed_as(each, known) or each for each in workloads), "")


def _dimensions(alarm: Alarm) -> tuple[list[str], list[str]]:
    """Of those that name a service: what names a workload, and the rest."""
    by_name = {name.lower(): value.strip() for name, value in alarm.labels.items()}
    group = by_name.get("log_group", "")
    given = ((name, by_name.get(name, "")) for name in SERVICE_DIMENSIONS)
    told = [
        (name, _without_pod(value, is_pod=name in _OF_PODS))
        for name, value in given
        if value and (group or not _SCRAPES.search(value))
    ]
    # A log group stands there where a batch names nothing better.
    workloads = [value for name, value in told if name in WORKLOADS and value != group]
    return workloads, [value for _, value in told if value not in workloads]


def _without_pod(value: str, *, is_pod: bool) -> str:
    """The name of what made a pod; other names only lose what no name but a pod's ends in."""
    value = _OF_JOBS.sub("", value)
    if resource := _AWS_RESOURCE.match(value):
        return resource[1]
    short = _POD_HASHES.sub("", value)
    return _POD_NUMBER.sub("", value) if is_pod and short == value else short


def _other_texts(alarm: Alarm) -> list[str]:
    """What may name the service besides; an error's own words may name another one, so never."""
    if "log_group" in alarm.labels:
        return [alarm.labels.get("log_stream", ""), alarm.labels["log_group"]]
    return [alarm.name, alarm.metric]


def _called_service(text: str) -> str:
    """A word that ends in "service", with the words before it where it stands alone."""
    words = words_of(text)
    for at, word in enumerate(words):
        if not word[0].lower().endswith("service"):
            continue
        first = at
        if word[0].lower() == "service":
            while first > 0 and not _SAYS_NO_SERVICE.fullmatch(words[first - 1][0].lower()):
                first -= 1
        if first < at or word[0].lower() != "service":
            return text[words[first].start() : word.end()].lower()
    return ""


def _without_symptoms(name: str) -> str:
    """The name without words for environment and symptom; empty when that leaves all or nothing."""
    words = plain_words(name)
    kept = [word for word in words if not _SAYS_NO_SERVICE.fullmatch(word)]
    return "-".join(kept) if len(kept) < len(words) else ""
