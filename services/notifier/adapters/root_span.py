"""The investigation span, which nobody holds open: written once, at the end."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from threading import Lock, Thread
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from bus.spans import begun_as
from bus.tracing import Root, Tracing, context_of

SENT_SECONDS = 1.0
"""Longest wait for the root to be sent. Everything hangs under it, so its entry is acknowledged
after that: whoever takes the entry over from a notifier that was killed writes it again."""
_sending: WeakKeyDictionary[TracerProvider, Lock] = WeakKeyDictionary()
"""One sends at a time; the next waits, since what it wrote may have come too late for the first."""


def emit_root(
    tracing: Tracing,
    root: Root,
    *,
    started_at: datetime,
    attributes: Mapping[str, AttributeValue],
    failed: str = "",
) -> None:
    """The span is on its way with its given ids and true start; a repeat has the same ids."""
    parent = f"00-{root.trace_id}-{root.parent_id}-01" if root.parent_id else ""
    with begun_as(root.span_id, root.trace_id):
        span = tracing.tracer.start_span(
            "investigation",
            context=context_of(parent),
            start_time=int(started_at.timestamp() * 1e9),
            attributes=dict(attributes),
        )
    if failed:
        span.set_status(Status(StatusCode.ERROR, failed))
    span.end()


async def sent(tracing: Tracing) -> None:
    """What was written has left, or the collector is away."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    sending = _sending.setdefault(tracing.provider, Lock())

    def send() -> None:
        if sending.acquire(timeout=SENT_SECONDS):
            try:
                tracing.provider.force_flush()
            finally:
                sending.release()
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(done.set)

    # Not in the loop's own threads, of which a stop would wait for one that hangs.
    Thread(target=send, daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(SENT_SECONDS):
            await done.wait()
