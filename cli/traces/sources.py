"""Where a trace is asked for: the receiver of a running `nightshift up`, or a Jaeger."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cli.traces.jaeger import ANSWERS, spans_in
from cli.traces.span import Span

SECONDS = 10.0
MOST_BYTES = 64 << 20
MICROSECOND = 1000


class Away(Exception):
    """The trace cannot be asked for: the sentence says of whom, and why."""


@dataclass(frozen=True)
class Source:
    """`name` is for people, `spans` gives those of a trace that are there; Away when it cannot."""

    name: str
    spans: Callable[[str], list[Span]]


def receiver(control: str) -> Source:
    """The receiver behind that control address."""

    def spans(trace_id: str) -> list[Span]:
        body = _answer(f"{control}/_simulator/traces/{trace_id}")
        return [_plain(Span(**span)) for span in json.loads(body or '{"spans": []}')["spans"]]

    return Source("the receiver of `nightshift up`", spans)


def jaeger(url: str) -> Source:
    """The Jaeger whose page is at that address; raises Away when it is no address."""
    base = url.rstrip("/")
    at = urlsplit(base)
    if at.scheme not in ("http", "https") or not at.hostname:
        raise Away(f"{url} is no address of a Jaeger: it begins with http:// or https://")
    name = f"Jaeger at {at.scheme}://{at.hostname}" + (f":{at.port}" if at.port else "")

    def spans(trace_id: str) -> list[Span]:
        for path in ANSWERS:
            body = _answer(base + path.replace("{id}", trace_id))
            try:
                found = spans_in(body or "")
            except ValueError as error:
                raise Away(f"{name} answers with something else: {error}") from None
            if found:
                return [_plain(span) for span in found]
        return []

    return Source(name, spans)


def _answer(url: str) -> str | None:
    """The body; None for 404, which an unknown trace and an unknown path have in common."""
    at = urlsplit(url)
    where = f"{at.scheme}://{at.hostname}" + (f":{at.port}" if at.port else "")
    try:
        with urlopen(Request(url, headers={"Accept": "application/json"}), timeout=SECONDS) as got:
            body: bytes = got.read(MOST_BYTES + 1)
    except HTTPError as error:
        error.close()
        if error.code == 404:
            return None
        raise Away(f"{where} answers {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Away(f"{where} cannot be reached: {getattr(error, 'reason', error)}") from None
    if len(body) > MOST_BYTES:
        raise Away(f"{where} answers with more than {MOST_BYTES >> 20} MB")
    return body.decode("utf-8", "replace")


def _plain(span: Span) -> Span:
    """In whole microseconds, as Jaeger may keep them: a trace looks the same from everywhere."""
    start_ns = span.start_ns // MICROSECOND * MICROSECOND
    took_ns = span.duration_ns // MICROSECOND * MICROSECOND
    return replace(span, start_ns=start_ns, end_ns=start_ns + took_ns)
