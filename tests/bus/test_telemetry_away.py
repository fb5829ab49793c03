"""A collector that refuses, hangs or drips slows nothing, keeps nothing and fills no memory."""

import asyncio
import os
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from subprocess import PIPE, Popen

import pytest
from opentelemetry.trace import Status, StatusCode

from bus import conventions as names
from bus.tracing import EXPORT_SECONDS, Tracing, root_of
from tests.lane import Lane

ROOT = root_of("inc-1").traceparent
MOST_MEMORY = 4 << 20
"""Of all that waits, when every span is filled with as much as it takes."""
LATE = 2.0
"""What a busy machine adds."""
COUNTS = """
import time
from prometheus_client import generate_latest
from bus.metrics import DELIVERIES, set_up_metrics
set_up_metrics("reasoner", "r-1")
slowest, began = 0.0, time.monotonic()
while time.monotonic() < began + 0.5:
    before = time.monotonic()
    DELIVERIES.add(1)
    assert b"nightshift_deliveries_total" in generate_latest()
    slowest = max(slowest, time.monotonic() - before)
print(slowest, time.time())
"""
"""A process that counts and shows it while exports are under way, and is over."""


def refusing(_: socket.socket) -> None:
    """Nobody listens."""


def hanging(server: socket.socket) -> None:
    """Connections are taken and never answered."""
    with suppress(OSError), ExitStack() as taken:
        while True:
            taken.enter_context(server.accept()[0])


def dripping(server: socket.socket) -> None:
    """An answer that comes a letter at a time, so that no read of it times out."""
    with suppress(OSError):
        while True:
            threading.Thread(target=_drip, args=server.accept(), daemon=True).start()


def _drip(taken: socket.socket, _: object) -> None:
    with suppress(OSError), taken:
        for letter in b"HTTP/1.1 200 OK\r\nx-slow: " + b"z" * 600:
            taken.send(bytes([letter]))
            time.sleep(0.1)


KINDS = {"refusing": refusing, "hanging": hanging, "dripping": dripping}


@contextmanager
def collector(kind: str) -> Iterator[str]:
    """The address of one that is of that kind."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        if kind == "refusing":
            server.close()
        else:
            threading.Thread(target=KINDS[kind], args=(server,), daemon=True).start()
        yield address


def stopped(tracing: Tracing) -> float:
    """How long its stop takes."""
    began = time.monotonic()
    tracing.stop()
    return time.monotonic() - began


@pytest.mark.timeout(30)
async def test_a_stop_waits_for_no_collector_longer_than_an_export_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With more waiting than there is room for: six exports, were each to be tried."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "300")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50")
    tracers = []
    with ExitStack() as stack:
        for kind in KINDS:
            address = stack.enter_context(collector(kind))
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            tracers.append(Tracing("reasoner", kind))
        for tracing in tracers:
            for number in range(320):
                with tracing.span("chat", parent=ROOT, attributes={names.TURN: number}):
                    pass
        took = await asyncio.gather(*(asyncio.to_thread(stopped, each) for each in tracers))
    assert max(took) < EXPORT_SECONDS + LATE, dict(zip(KINDS, took, strict=True))


@pytest.mark.timeout(60)
def test_metrics_hold_up_neither_what_counts_them_nor_the_end_of_a_process(lane: Lane) -> None:
    """What happened: the SDK's own end waited 30 s for an answer that dripped."""
    ended = {}
    with ExitStack() as stack:
        for kind in lane.pick(("dripping",), tuple(KINDS)):
            address = stack.enter_context(collector(kind))
            env = os.environ | {
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": address,
                "OTEL_METRIC_EXPORT_INTERVAL": "100",
            }
            command = [sys.executable, "-c", COUNTS]
            ended[kind] = stack.enter_context(Popen(command, env=env, stdout=PIPE, text=True))
        for kind, process in ended.items():
            said, _ = process.communicate(timeout=30)
            assert process.returncode == 0
            slowest, over = map(float, said.split())
            assert slowest < LATE, kind
            assert time.time() - over < EXPORT_SECONDS + LATE, kind


def test_what_waits_for_a_collector_stays_small_whatever_is_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """300 spans with 200 MB in them, as when a server answers with very long errors."""
    with collector("hanging") as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        tracing = Tracing("toolrunner", "t-1")
        tracemalloc.start()
        for number in range(100, 400):
            words = str(number) * 70_000
            with tracing.span("tools/call", parent=ROOT, attributes={names.REASON: words}) as span:
                span.set_attribute("result", words)
                span.add_event("told", {"words": words})
                span.set_status(Status(StatusCode.ERROR, words))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        threading.Thread(target=tracing.stop, daemon=True).start()
    assert held < MOST_MEMORY, f"{held >> 20} MB"
