"""One call of the Web API as it arrives, and the refusals it may get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from starlette.requests import Request

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


class Refused(Exception):
    """Slack says no: `error` is its word, `findings` the lines that explain it."""

    status = 200
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, error: str, findings: tuple[str, ...] = (), **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.findings = findings
        self.more = more

    def answer(self) -> dict[str, object]:
        """The body of Slack's answer."""
        body: dict[str, object] = {"ok": False, "error": self.error} | self.more
        if self.findings:
            body["errors"] = list(self.findings)
            body["response_metadata"] = {
                "messages": [f"[ERROR] {finding}" for finding in self.findings]
            }
        return body


class Limited(Refused):
    """Slack asks to wait: status 429, with the whole seconds in a header."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("ratelimited")
        self.headers = {"Retry-After": str(seconds)}


@dataclass(frozen=True)
class Call:
    """The method's name, its arguments, and the token it came with (None when there was none)."""

    method: str
    arguments: Mapping[str, object]
    token: str | None = None
    unknown: tuple[str, ...] = field(default=())

    def text(self, name: str, default: str = "") -> str:
        """The argument as a string; `default` when it was not given."""
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def flag(self, name: str) -> bool:
        """The argument as a truth value, spelt as JSON or as a form spells it."""
        return self.text(name).lower() in ("1", "true")

    def whole(self, name: str, default: int) -> int:
        """The argument as a number; raises Refused(invalid_arguments) when it is none."""
        text = self.text(name, str(default))
        if not text.isdecimal():
            raise Refused("invalid_arguments", (f"must be an integer [json-pointer:/{name}]",))
        return int(text)

    def required(self, name: str) -> str:
        """The argument as a string; raises Refused(invalid_arguments) when there is none."""
        text = self.text(name)
        if not text:
            raise Refused("invalid_arguments", (f"missing required field: {name}",))
        return text

    def structure(self, name: str, error: str) -> object:
        """The argument as JSON, which a form holds as a string; raises Refused(error) if not."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            parsed: object = json.loads(value) if value else None
        except ValueError as wrong:
            raise Refused(error) from wrong
        return parsed


async def read_call(request: Request, method: str) -> Call:
    """The call in `request`; raises Refused when its body cannot be read."""
    arguments: dict[str, object] = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind == JSON_TYPE:
        arguments |= _json_object(body)
    elif body and kind == FORM_TYPE:
        arguments |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif body and kind == "multipart/form-data":
        async with request.form() as form:
            arguments |= {name: value for name, value in form.items() if isinstance(value, str)}
    elif body:
        raise Refused("missing_post_type" if not kind else "invalid_post_type")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = arguments.pop("token", None)
    if kind == JSON_TYPE:
        given = None  # a token inside JSON is not looked at
    token = bearer if scheme.lower() == "bearer" else given
    return Call(method, arguments, str(token) if token else None)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except ValueError as wrong:
        raise Refused("invalid_json") from wrong
    if not isinstance(parsed, dict):
        raise Refused("json_not_object")
    return parsed
