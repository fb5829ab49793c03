"""Label and field selectors, and pages, with the API's own refusals."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping

from simulator.kubernetes.answers import Refused, bad_request, invalid_list_options
from simulator.kubernetes.shapes import Object, dig

_NAME = r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?"
_EQUALITY = re.compile(rf"\s*({_NAME})\s*(==|=|!=)\s*({_VALUE})\s*")
_MEMBERSHIP = re.compile(rf"\s*({_NAME})\s+(in|notin)\s*\(([^()]*)\)\s*")
_PRESENCE = re.compile(rf"\s*(!?)\s*({_NAME})\s*")
_OUTSIDE_BRACKETS = re.compile(r",(?![^()]*\))")
_FIELD = re.compile(r"\s*([\w.]+)\s*(==|=|!=)\s*([^,=!]*?)\s*")

_FIELDS = {
    "pods": {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    },
    "events": {
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "type",
    },
    "services": {"spec.clusterIP", "spec.type"},
    "replicasets": {"status.replicas"},
    "jobs": {"status.successful"},
}
Test = Callable[[Object], bool]


def label_test(selector: str) -> Test:
    """Whether an object has the labels. Raises Refused (400) for a selector that is none."""
    if not selector.strip():
        return lambda _item: True
    tests = [_label_requirement(text) for text in _OUTSIDE_BRACKETS.split(selector)]
    return lambda item: all(test(_labels(item)) for test in tests)


def field_test(resource: str, selector: str) -> Test:
    """Whether an object's fields match. Raises Refused (400) for a field without an index."""
    known = _FIELDS.get(resource, set()) | {"metadata.name", "metadata.namespace"}
    wanted: list[tuple[str, bool, str]] = []
    for text in filter(None, selector.split(",")):
        match = _FIELD.fullmatch(text)
        if match is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{text}'")
        field, operator, value = match.groups()
        if field not in known:
            raise bad_request(f"field label not supported: {field}")
        wanted.append((field, operator != "!=", value))
    return lambda item: all(
        (str(dig(item, field) or "") == value) == same for field, same, value in wanted
    )


def page(items: list[Object], query: Mapping[str, str]) -> tuple[list[Object], Object]:
    """One page of a list, and the list's metadata. Raises Refused for options it cannot have."""
    _check_version(query)
    limit = whole_number(query.get("limit", "0"))
    start = _start(query["continue"]) if query.get("continue") else 0
    head: Object = {"resourceVersion": "1"}
    if limit <= 0 or start + limit >= len(items):
        return items[start:], head
    head["continue"] = base64.urlsafe_b64encode(f"after {start + limit}".encode()).decode()
    # With a selector the real server does not know how many are left.
    if not query.get("labelSelector") and not query.get("fieldSelector"):
        head["remainingItemCount"] = len(items) - start - limit
    return items[start : start + limit], head


def _check_version(query: Mapping[str, str]) -> None:
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if match and not version:
        words = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise invalid_list_options("resourceVersionMatch", words)
    if match not in ("", "Exact", "NotOlderThan"):
        words = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"'
        raise invalid_list_options("resourceVersionMatch", words)
    if match and query.get("continue"):
        words = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
        raise invalid_list_options("resourceVersionMatch", words)
    if version not in ("", "0") and query.get("continue"):
        raise bad_request("specifying resource version is not allowed when using continue")
    if version and not version.isdecimal():
        raise bad_request(f"Invalid value: {version!r}: strconv.ParseUint: invalid syntax")


def whole_number(text: str) -> int:
    """The number. Raises Refused (400) in the words of Go's parser when it is none."""
    if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _start(token: str) -> int:
    try:
        words = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        words = ""
    match = re.fullmatch(r"after (\d+)", words)
    if match is None:
        raise bad_request("continue key is not valid: invalid continue token")
    return int(match.group(1))


def _labels(item: Object) -> Mapping[str, object]:
    labels = dig(item, "metadata.labels")
    return labels if isinstance(labels, dict) else {}


def _label_requirement(text: str) -> Callable[[Mapping[str, object]], bool]:
    if match := _EQUALITY.fullmatch(text):
        name, operator, value = match.groups()
        if operator == "!=":
            return lambda labels: labels.get(name) != value
        return lambda labels: labels.get(name) == value
    if match := _MEMBERSHIP.fullmatch(text):
        name, operator, inside = match.groups()
        values = {value.strip() for value in inside.split(",")}
        if operator == "notin":
            return lambda labels: labels.get(name) not in values
        return lambda labels: labels.get(name) in values
    if match := _PRESENCE.fullmatch(text):
        absent, name = match.groups()
        return lambda labels: (name in labels) != bool(absent)
    raise _unparsable(text)


def _unparsable(text: str) -> Refused:
    return bad_request(f"unable to parse requirement: found '{text.strip()}', expected: identifier")
