"""A toolrunner that answers each call at once: `python -m benchmarks.load.tools` (REDIS_URL).

It publishes a list of tools, then stores one log as the result of every call, many calls at a time,
with the product's own script. Prints `ready`.
"""

import asyncio
import hashlib
import json
import sys
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bus.connection import as_text
from bus.envelope import Entry, read_event, text_fields
from bus.events import ToolCallFinished, ToolCallRequested
from bus.results import Result, Results, numbered
from bus.settings import BusSettings
from bus.streams import TOOL_CALLS, Keys

TOOL = "kubernetes__get_logs"
QUOTED = "System.Exception: Loafers cannot be added to a cart"
LINE = "TraceID: 9ac1f SpanID: 22b AddItemAsync called with userId=41, productId=AAAAAAAAA4, n={}"
LOG = "\n".join([QUOTED, *(LINE.format(number) for number in range(40))])
"""About 4 KB: what a condensed log of 1,000 lines takes."""
RESULT = Result(whole=LOG, shown=numbered(LOG, "41 lines"), tool=TOOL)
TOOLS = 14
AT_ONCE = 100
_TEXT = {"type": "string", "description": "Name, as it was listed"}
_SCHEMA = {"type": "object", "properties": {"namespace": _TEXT, "pod": _TEXT}, "required": ["pod"]}


def catalogue() -> str:
    """Tools of about the size of the built-in ones."""
    names = [TOOL, *(f"kubernetes__tool_{number}" for number in range(1, TOOLS))]
    said = "Lines of one container's log, newest last, of the time that is asked for. " * 2
    tools = [{"name": name, "description": said, "input_schema": _SCHEMA} for name in names]
    return json.dumps(tools, separators=(",", ":"))


async def publish(redis: "Redis", keys: Keys) -> None:
    """The list stands, and is the current one."""
    text = catalogue()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    await redis.set(keys.catalogue(sha256), text)
    await redis.set(keys.current_catalogue, sha256)


async def answer(results: Results, entry_id: bytes, raw: dict[bytes, bytes]) -> None:
    """The call's result is stored and told, its entry acknowledged."""
    fields = text_fields(raw)
    entry = Entry(stream=TOOL_CALLS, group="toolrunner", entry_id=as_text(entry_id), fields=fields)
    call = read_event(entry)
    if isinstance(call, ToolCallRequested):
        finished = ToolCallFinished(
            investigation_id=call.investigation_id, tool_call_id=call.tool_call_id, ok=True
        )
        await results.store(finished, RESULT, audited=None, entry=entry)


async def main() -> None:
    """Answer until the process is ended."""
    settings = BusSettings()
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    keys = Keys(settings.stream_prefix)
    results, stream = Results(redis, keys), keys.stream(TOOL_CALLS)
    await publish(redis, keys)
    try:
        await redis.xgroup_create(stream, "toolrunner", id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        read: Any = await redis.xreadgroup(
            "toolrunner", "stand-in", {stream: ">"}, count=AT_ONCE, block=1000
        )
        for _, entries in read or []:
            await asyncio.gather(*(answer(results, *entry) for entry in entries))


if __name__ == "__main__":
    asyncio.run(main())
