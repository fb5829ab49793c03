"""What a request is: operation, incident and tool call, read from the request itself."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from bus.tracing import root_of
from cli.stack import ROOT
from tests.chaos.evidence import CALL, CASE
from tests.chaos.proxy.http import Head

_INLINE = re.compile(r'^_?([A-Z_]+) = """\\?(\n.*?)"""', re.MULTILINE | re.DOTALL)
_KEY = re.compile(rb"^nightshift:([^:]+):(?:record|transcript|calls|results|slack)$")
_NAMED = re.compile(rb'"(?:investigation_id|incident_id)":\s*"([^"]+)"')
_CALL = re.compile(rb'"tool_call_id":\s*"([^"]+)"')
_WRITES = ("set", "hset", "xadd", "xack", "del", "hdel", "zadd", "zrem", "exec", "expire")


@dataclass(frozen=True)
class Named:
    """What a request is, as far as it says so."""

    operation: str
    incident: str = ""
    call: str = ""
    purpose: str = ""
    """Of a `take`: what the writer of a message wants to do."""
    about: str = ""
    """Of a model or tool call: the case in its body, and the number of messages or the call."""


@cache
def scripts() -> dict[str, str]:
    """Every script of the product by its SHA-1: the name of its file, or of its constant."""
    found = {}
    for folder in ("bus", "services"):
        for path in sorted((ROOT / folder).rglob("*.lua")):
            text, shared = path.read_text(encoding="utf-8"), path.with_name("shared.lua")
            found[_sha(text)] = path.stem
            if shared.is_file():
                begun = shared.read_text(encoding="utf-8")
                found[_sha(begun + text)] = path.stem
                if (held := path.with_name("held.lua")).is_file():
                    found[_sha(begun + held.read_text(encoding="utf-8") + text)] = path.stem
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, text in _inline(path.read_text(encoding="utf-8")):
                found[_sha(text)] = name
    return found


def _inline(source: str) -> Iterator[tuple[str, str]]:
    for found in _INLINE.finditer(source):
        if "redis.call" in found[2]:
            yield found[1].lower(), found[2]


def command_name(command: Sequence[bytes]) -> Named:
    """A Redis command. A script is a `commit: NAME`, with the events that it appends."""
    word = command[0].decode("latin-1").lower()
    if word in ("evalsha", "eval"):
        return _script(word, command)
    key = command[1].decode("utf-8", "replace") if len(command) > 1 else ""
    key = re.sub(r"^nightshift:", "", key)
    if word not in _WRITES:
        return Named(f"redis {word}")
    incident = _incident(command[1:2], command[1:])
    kind = key.split(":")[-1] if incident and ":" in key else key.split(":")[0]
    return Named(f"redis {word} {kind}".strip(), incident)


def _script(word: str, command: Sequence[bytes]) -> Named:
    sha = command[1].decode().lower() if word == "evalsha" else _sha(command[1].decode())
    name = scripts().get(sha, sha[:8])
    count = int(command[2])
    keys, args = command[3 : 3 + count], command[3 + count :]
    incident = _incident(keys, args)
    if name in ("reserve", "settle") and keys and b":spend:" in keys[0]:
        incident, name = args[0].split(b":")[0].decode(), f"{name} dollars"
    events = [args[at + 1].decode() for at, arg in enumerate(args[:-1]) if arg == b"event"]
    kinds = "+".join(dict.fromkeys(event for event in events if event.isalpha()))
    call = args[0].decode() if name in ("start_call", "store_result") else _call(args)
    purpose = args[2].decode() if name == "take" else "details" if name == "begin_detail" else ""
    shown = kinds or purpose
    return Named(f"commit: {name}" + (f" ({shown})" if shown else ""), incident, call, purpose)


def _incident(keys: Sequence[bytes], args: Sequence[bytes]) -> str:
    for key in keys:
        if found := _KEY.match(key):
            return found[1].decode()
    for arg in args:
        if found := _NAMED.search(arg):
            return found[1].decode()
    return ""


def _call(args: Sequence[bytes]) -> str:
    found = next(filter(None, (_CALL.search(arg) for arg in args)), None)
    return found[1].decode() if found else ""


def request_name(channel: str, head: Head, body: bytes) -> Named:
    """An HTTP request on that channel."""
    if channel == "model":
        is_turn = head.method == "POST" and head.path.split("?")[0] == "/v1/messages"
        return Named("model call", about=_turn(body)) if is_turn else Named(f"model {head.path}")
    if channel == "slack":
        return _slack(head, body)
    if channel == "sqs":
        return Named(f"sqs {head.headers.get('x-amz-target', '').rpartition('.')[2]}")
    return _mcp(head, body)


def _turn(body: bytes) -> str:
    messages: Any = json.loads(body).get("messages") or [{}]
    found = CASE.search(json.dumps(messages[0]))
    return f"{found[0]} {len(messages)}" if found else ""


def _slack(head: Head, body: bytes) -> Named:
    if head.path.startswith("/upload/"):
        return Named("slack upload")
    said: Any = {}
    if "json" in head.headers.get("content-type", ""):
        said = json.loads(body or b"{}")
    elif body:
        said = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    metadata = said.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = json.loads(metadata)
    incident = str((metadata.get("event_payload") or {}).get("incident_id", ""))
    method = head.path.split("?")[0].rpartition("/")[2]
    return Named(f"slack {method}", incident, str(said.get("ts", "")))


def _mcp(head: Head, body: bytes) -> Named:
    said: Any = json.loads(body) if body else {}
    method = said.get("method", head.method) if isinstance(said, dict) else "batch"
    if method != "tools/call":
        return Named(f"mcp {method}")
    server = head.path.strip("/").split("/")[0]
    trace_id = head.headers.get("traceparent", "--").split("-")[1]
    found = CALL.search(body.decode("utf-8", "replace"))
    about = f"{found[1]} {found[2]}" if found else ""
    return Named("tool call", trace_id, f"{server}__{said['params']['name']}", about=about)


def trace_of(incident: str) -> str:
    """The trace id of an incident that came without one of its own."""
    return root_of(incident).trace_id


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
