"""One stack for all tests here: an incident with a refused quote has ended, two more are open."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis

from cli.stack import Plan, running_stack
from simulator.serving import Served
from tests.cli.nightshift import Ended, run
from tests.loop.desk import Desk, quiet
from tests.reasoner.model_desk import KEY, ModelDesk, Said, asks, submits

POD = "cartservice-7c9f6d5b84-x2k4q"
REAL = "at cartservice.cartstore.RedisCartStore.AddItemAsync("
INVENTED = "redis-cart: connection refused by the cluster at midnight"
NEAREST = "26| System.Exception: Loafers cannot be added to a cart"
HOSTILE = "I clear your \x1b[2Jscreen, turn \u202eit round and hide\u200b nothing."
LINES = 300
_running = ExitStack()


@dataclass(frozen=True)
class Inside:
    """The stack, the incident that has ended, and what commands have said about it."""

    desk: Desk
    ended: str
    folder: Path
    _said: dict[tuple[str, ...], Ended] = field(default_factory=dict)

    def run(self, *arguments: str, **changes: str) -> Ended:
        """The command against this stack's Redis, for a reader with 80 columns."""
        variables = {"REDIS_URL": self.desk.stack.redis_url, "COLUMNS": "80"} | changes
        return run(*arguments, folder=self.folder, **variables)

    def show(self, *arguments: str) -> str:
        """What `show` says about the ended incident; it is asked once."""
        if arguments not in self._said:
            self._said[arguments] = self.run("show", self.ended, *arguments)
        end = self._said[arguments]
        assert (end.code, end.errors) == (0, "")
        return end.output

    @property
    def said(self) -> list[str]:
        """All that `show` has said so far."""
        return [end.output for end in self._said.values()]

    @property
    def environment(self) -> dict[str, str]:
        """What all services together have; a shell with every credential."""
        given = self.desk.stack.world["environment"]
        found = {name: text for part in given.values() for name, text in part.items()}
        return {name: text for name, text in found.items() if not name.startswith("OTEL_")}


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """What is looked at."""
    return _running.enter_context(_stack(tmp_path_factory.mktemp("inside")))


def pytest_sessionfinish() -> None:
    """The stack is taken down, in no test's time: whichever is the last one may have little."""
    _running.close()


@contextmanager
def _stack(folder: Path) -> Iterator[Inside]:
    model = ModelDesk(_refused_quote())
    with _served(model) as address:
        settings = {
            "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
            "NIGHTSHIFT_DRAIN_SECONDS": "0.5",
            "ANTHROPIC_BASE_URL": address,
            "ANTHROPIC_API_KEY": KEY,
        }
        plan = Plan(scenario="cart-loafers", settings=settings, own_redis=True)
        with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
            desk = Desk(stack, redis)
            ended = desk.publish(service="cartservice", summary="HTTP 500 on checkout")
            desk.wait_for_end(ended, 30)
            assert model.refused == []
            model.replies[:] = [Said(held=asyncio.Event())]
            model.bodies.clear()
            for name in ("open-one", "open-two"):
                desk.publish(service="frontend", summary="slow", incident_id=name)
            desk.wait("the first question about each", lambda: len(model.bodies) == 2)
            yield Inside(desk, ended, folder)


def _refused_quote() -> list[Said]:
    """Three turns of calls; then a diagnosis with an invented quote, sent back and given again."""
    first = asks(("kubernetes__list_pods", {"namespace": "boutique"}))
    logs: dict[str, object] = {"namespace": "boutique", "pod": POD, "tail_lines": LINES}
    second = asks(("kubernetes__get_logs", logs), ("kubernetes__delete_pod", {"name": POD}))
    dear = {"input_tokens": 200_000, "output_tokens": 900}
    return [
        Said(({"type": "text", "text": HOSTILE}, *first.blocks), stop_reason="tool_use"),
        Said(second.blocks, stop_reason="tool_use", usage=dear),
        asks(("kubernetes__get_logs", {"namespace": "kube-system", "pod": "x", "nonsense": 1})),
        submits(("2-1", REAL), ("2-1", INVENTED)),
        submits(("2-1", REAL), ("2-1", INVENTED)),
    ]


@contextmanager
def _served(model: ModelDesk) -> Iterator[str]:
    """The model's address; it answers from a thread of its own as long as the block lasts."""
    started, addresses = threading.Event(), list[str]()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        served = Served(model.app())
        addresses.append(await served.start())
        started.set()
        await over.wait()
        for said in model.replies:
            if said.held is not None:
                said.held.set()
        await served.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
