"""Which service an alarm is about. Pure.

Alarms name their service in their dimensions, their name or their metric, each team in its own way:
`cartservice-error`, `prod-cart-service-5xx`, `cartserviceErrorCount`. A list of known services
settles it; without one the words are read.
"""

import re
from collections.abc import Iterable, Sequence

from bus.events import Alarm

SERVICE_DIMENSIONS = (
    "servicename",
    "service",
    "service.name",
    "service_name",
    "deployment",
    "podname",
    "functionname",
    "app",
    "app_kubernetes_io_name",
    "application",
    "statefulset",
    "daemonset",
    "exported_pod",
    "pod",
    "pod_name",
    "containername",
    "container",
    "container_name",
    "job_name",
    "cronjob",
    "destination_workload",
    "job",
    "dbinstanceidentifier",
    "dbclusteridentifier",
    "dimension_dbinstanceidentifier",
    "dbinstance_identifier",
    "targetgroup",
    "loadbalancer",
    "queuename",
    "tablename",
    "apiname",
    "cacheclusterid",
    "streamname",
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
    # environments
    r"prod|production|stage|staging|dev|development|test|qa|live|aws|eks|"
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
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[0-9]+[a-z]+|[A-Z]?[a-z]+[0-9]*|[0-9]+")


def service_of(alarm: Alarm, known: Sequence[str] = ()) -> str:
    """The service's name, at most 200 characters; the alarm's own name where nothing says more."""
    dimensions = _service_dimensions(alarm)
    texts = [*dimensions, *_other_texts(alarm)]
    found = _known(texts, known) or next(iter(dimensions), "")
    found = found or next(filter(None, map(_called_service, texts)), "")
    named = found or _without_symptoms(alarm.name) or alarm.name
    return " ".join(named.split())[:200]


def _service_dimensions(alarm: Alarm) -> list[str]:
    by_name = {name.lower(): value.strip() for name, value in alarm.labels.items()}
    is_log = "log_group" in alarm.labels
    given = ((name, by_name.get(name, "")) for name in SERVICE_DIMENSIONS)
    told = (
        (name, value) for name, value in given if value and (is_log or not _SCRAPES.search(value))
    )
    return [_without_pod(value, is_pod=name in _OF_PODS) for name, value in told]


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


def _known(texts: Iterable[str], known: Sequence[str]) -> str:
    """The longest known service that the first telling text holds; dashes and case do not count."""
    for text in texts:
        plain = _plain(text)
        held = [name for name in known if _plain(name) and _plain(name) in plain]
        if held:
            return max(held, key=len)
    return ""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _called_service(text: str) -> str:
    """A word that ends in "service", with the words before it where it stands alone."""
    words = list(_WORD.finditer(text))
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
    words = [word.lower() for word in _WORD.findall(name)]
    kept = [word for word in words if not _SAYS_NO_SERVICE.fullmatch(word)]
    return "-".join(kept) if len(kept) < len(words) else ""
