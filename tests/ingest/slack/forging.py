"""Requests that Slack did not send, as bytes on the wire, and what they are answered."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import urlencode

from simulator.slack import Human, payloads
from simulator.slack.signing import signed_headers
from tests.ingest.slack.conftest import SECRET

Wire = list[tuple[bytes, bytes]]
Request = tuple[Wire, bytes]
STAMP, SIGNATURE, KIND = b"X-Slack-Request-Timestamp", b"X-Slack-Signature", b"Content-Type"
# Not one of Slack's hosts: no test sends anything there, and neither does ingest.
HOOK = "https://hooks.example/commands/T0NIGHTSHIFT/1/x"


def good(
    text: str = "cartservice is slow", *, secret: str = SECRET, at: float | None = None
) -> Request:
    """A command as Slack sends it."""
    sent = payloads.command(text, Human(), response_url=HOOK) | {"trigger_id": "1.2.always"}
    return wire(urlencode(sent).encode(), secret=secret, at=at)


def wire(
    body: bytes, *, kind: str = payloads.FORM, secret: str = SECRET, at: float | None = None
) -> Request:
    """That body with the headers that fit it."""
    signed = signed_headers(body, secret, at=at)
    stamp, signature = signed["x-slack-request-timestamp"], signed["x-slack-signature"]
    return [
        (KIND, kind.encode()),
        (STAMP, stamp.encode()),
        (SIGNATURE, signature.encode()),
    ], body


def mutations(now: float) -> dict[str, Request]:
    """Twenty forgeries by name."""
    headers, body = good()
    event = json.dumps({"type": "url_verification", "challenge": "let me in"}).encode()
    as_json = [(KIND, b"application/json"), *headers[1:]]

    def changed(name: bytes, change: Callable[[bytes], bytes]) -> Request:
        return [(key, change(value) if key == name else value) for key, value in headers], body

    def without(*names: bytes) -> Request:
        return [(key, value) for key, value in headers if key not in names], body

    return {
        "unsigned": without(STAMP, SIGNATURE),
        "no signature": without(SIGNATURE),
        "no timestamp": without(STAMP),
        "another secret": good(secret=SECRET[::-1]),
        "six minutes old": good(at=now - 360),
        "six minutes ahead": good(at=now + 360),
        "another timestamp": changed(STAMP, lambda value: str(int(value) + 1).encode()),
        "timestamp is a word": changed(STAMP, lambda _: b"yesterday"),
        "timestamp is a fraction": changed(STAMP, lambda value: value + b".5"),
        "timestamp with signs that count as digits": changed(STAMP, lambda _: "١٢٣".encode()),
        "timestamp of a thousand digits": changed(STAMP, lambda _: b"1" * 1000),
        "negative timestamp": changed(STAMP, lambda value: b"-" + value),
        "empty signature": changed(SIGNATURE, lambda _: b""),
        "signature is not ASCII": changed(SIGNATURE, lambda value: value[:-2] + b"\xe9\xff"),
        "signature in capitals": changed(SIGNATURE, lambda value: value.upper()),
        "another version": changed(SIGNATURE, lambda value: b"v1" + value[2:]),
        "two signatures": ([*headers, (SIGNATURE, b"v0=" + b"0" * 64)], body),
        "two timestamps": ([*headers, (STAMP, dict(headers)[STAMP])], body),
        "another body": (headers, body.replace(b"cartservice", b"frontend")),
        "the same body, encoded anew": (headers, body.replace(b"%2F", b"%2f")),
        "one more byte": (headers, body + b"&"),
        "no body": (headers, b""),
        "a challenge": (as_json, event),
    }


async def send(port: int, request: Request, *, path: str = "/slack/events") -> tuple[int, bytes]:
    """Status and body of the answer to a POST."""
    headers, body = request
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: nightshift", b"Connection: close"]
    head += [name + b": " + value for name, value in headers]
    head.append(b"Content-Length: %d" % len(body))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = await asyncio.wait_for(reader.read(), timeout=8)
    except ConnectionResetError:
        answer = b""
    finally:
        writer.close()
    first, _, rest = answer.partition(b"\r\n")
    status = int(first.split()[1]) if first else 0
    return status, rest.partition(b"\r\n\r\n")[2]
