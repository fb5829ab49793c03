"""Laying a scenario over its base world: what it does not say, the base says."""

from collections.abc import Mapping

Raw = dict[str, object]
_NAMED_BY = {
    ("cluster", "workloads"): ("name",),
    ("cloudwatch", "metrics"): ("namespace", "metric"),
}
_ADDED = {("cluster", "events")}
_ADDED_BEFORE = {("repository", "commits")}
_PODS = ("cluster", "pods")


def laid_over(base: Raw, over: Raw) -> Raw:
    """The base with the scenario laid over it; neither is changed.

    Mappings are laid over key by key, and null takes a key away. Workloads are matched by their
    name, metrics by namespace and name. A workload that the scenario gives pods has those pods and
    no others. Events are added to the base's, commits before the base's. Any other list takes the
    place of the base's.
    """
    return _mapping(base, over, at=())


def _mapping(base: Mapping[str, object], over: Mapping[str, object], *, at: tuple[str, ...]) -> Raw:
    found = dict(base)
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _value(found.get(key), value, at=(*at, key))
    return found


def _value(base: object, over: object, *, at: tuple[str, ...]) -> object:
    if isinstance(base, dict) and isinstance(over, dict):
        return _mapping(base, over, at=at)
    if not (isinstance(base, list) and isinstance(over, list)):
        return over
    if at in _NAMED_BY:
        return _matched(base, over, by=_NAMED_BY[at], at=at)
    if at == _PODS:
        given = {pod.get("workload") for pod in over if isinstance(pod, dict)}
        return [pod for pod in base if pod.get("workload") not in given] + over
    if at in _ADDED:
        return base + over
    return over + base if at in _ADDED_BEFORE else over


def _matched(
    base: list[object], over: list[object], *, by: tuple[str, ...], at: tuple[str, ...]
) -> list[object]:
    found = list(base)
    for item in over:
        place = next((n for n, known in enumerate(found) if _same(known, item, by=by)), None)
        if place is None:
            found.append(item)
        else:
            found[place] = _value(found[place], item, at=at)
    return found


def _same(known: object, item: object, *, by: tuple[str, ...]) -> bool:
    if not (isinstance(known, dict) and isinstance(item, dict)):
        return False
    return all(name in item and known.get(name) == item[name] for name in by)
