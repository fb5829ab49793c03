"""Reading a pod's log: its options, its refusals, its text."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from simulator.kubernetes.access import truthy
from simulator.kubernetes.answers import Refused, bad_request, invalid_log_options
from simulator.kubernetes.selectors import whole_number
from simulator.logs import line_times, rfc3339, write_log
from simulator.scenario import ClusterSetup, LogSetup, PodSetup

_PULLING = ("ImagePullBackOff", "ErrImagePull")


def read_pod_log(
    cluster: ClusterSetup, pod: PodSetup, *, query: Mapping[str, str], now: datetime
) -> bytes:
    """The part of the log that the query asks for. Raises Refused as the API does."""
    limits = read_options(query)
    since_at = _since(query, limits["sinceSeconds"], now=now)
    container = _container(pod, query.get("container", ""))
    previous = truthy(query.get("previous"))
    if container != pod.container:
        if previous:
            raise _no_previous(pod, container)
        return b""
    setup = _log(cluster, pod, previous=previous)
    if setup is None:
        return b""
    last_at = now - pod.last_end.age if previous and pod.last_end else now
    lines = list(
        _since_lines(setup, last_at, since_at=since_at, stamped=truthy(query.get("timestamps")))
    )
    tail = limits["tailLines"]
    if tail is not None:
        lines = lines[max(0, len(lines) - tail) :]
    text = "".join(f"{line}\n" for line in lines).encode()
    return text[: limits["limitBytes"]]


def read_options(query: Mapping[str, str]) -> dict[str, int | None]:
    """The numbers among a log's options. Raises Refused for one that the API does not take."""
    smallest = {"tailLines": 0, "limitBytes": 1, "sinceSeconds": 1}
    return {name: _limit(query, name, least=least) for name, least in smallest.items()}


def _since_lines(
    setup: LogSetup, last_at: datetime, *, since_at: datetime | None, stamped: bool
) -> Iterator[str]:
    lines = zip(line_times(setup, last_at), write_log(setup, last_at), strict=True)
    for written_at, line in lines:
        if since_at is None or written_at >= since_at:
            yield f"{rfc3339(written_at)} {line}" if stamped else line


def _limit(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name)
    if not text:
        return None
    number = whole_number(text)
    if number < least:
        rule = "must be greater than 0" if least else "must be greater than or equal to 0"
        raise invalid_log_options(name, f"Invalid value: {number}: {rule}")
    return number


def _since(query: Mapping[str, str], seconds: int | None, *, now: datetime) -> datetime | None:
    moment = query.get("sinceTime")
    if moment and seconds is not None:
        words = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        raise invalid_log_options("", words)
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    if not moment:
        return None
    try:
        since_at = datetime.fromisoformat(moment)
    except ValueError:
        since_at = None
    if since_at is None or since_at.tzinfo is None:
        raise bad_request(f'parsing time "{moment}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    return since_at


def _container(pod: PodSetup, asked: str) -> str:
    names = (pod.container, *pod.sidecars)
    if not asked and len(names) > 1:
        choice = " ".join(names)
        raise bad_request(
            f"a container name must be specified for pod {pod.name}, choose one of: [{choice}]"
        )
    if asked and asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {pod.name}")
    return asked or pod.container


def _log(cluster: ClusterSetup, pod: PodSetup, *, previous: bool) -> LogSetup | None:
    # A container that restarted before may have a run whose log is gone, never one without an end.
    if previous and pod.last_end is None and pod.previous_log is None:
        raise _no_previous(pod, pod.container)
    if previous:
        return cluster.logs[pod.previous_log] if pod.previous_log else None
    waiting = pod.waiting or ("ContainerCreating" if pod.phase == "Pending" else None)
    if waiting and pod.last_end is None and not pod.restarts:
        why = "trying and failing to pull image" if waiting in _PULLING else waiting
        raise bad_request(
            f'container "{pod.container}" in pod "{pod.name}" is waiting to start: {why}'
        )
    return cluster.logs[pod.log] if pod.log else None


def _no_previous(pod: PodSetup, container: str) -> Refused:
    return bad_request(f'previous terminated container "{container}" in pod "{pod.name}" not found')
