"""Planned faults: checked when they are asked for, struck in order, counted, and noted."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import Fault, FaultError, Faults, read_faults
from simulator.known_faults import KNOWN_FAULTS
from simulator.serving import served
from simulator.striking import SILENT, silence, spoilt

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
KNOWN = {"model": {"slow": "late", "cut": "short"}, "slack": {"hang": "silent"}}
POST = "POST /api/chat.postMessage"


@dataclass(frozen=True)
class Struck:
    """An app that answers as its faults say, and where it listens."""

    faults: Faults
    address: str
    done: list[str]


@pytest.fixture
async def app() -> AsyncIterator[Struck]:
    faults, done = Faults(), list[str]()

    async def answer(request: Request) -> Response:
        fault = faults.take("slack", f"POST {request.url.path}")
        if fault is not None and fault.fault in SILENT:
            return await silence(fault, request)
        done.append(request.url.path)
        return await spoilt(fault, JSONResponse({"words": "a" * 100}), request=request)

    async with served(Starlette(routes=[Route("/{name}", answer, methods=["POST"])])) as address:
        yield Struck(faults, address, done)


async def read(app: Struck, name: str, seconds: float = 5) -> str:
    limit = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(app.address, timeout=limit) as session,
        session.post(f"/{name}") as answer,
    ):
        return await answer.text()


@pytest.mark.parametrize(("fault", "amount"), [("parallel_calls", 1001), ("slow", 10**12)])
def test_an_absurd_amount_is_refused_with_what_is_allowed(fault: str, amount: int) -> None:
    with pytest.raises(FaultError, match=r"^amount: .*(1,000 at most|10000000)"):
        Faults().plan(*read_faults({"stand_in": "model", "fault": fault, "amount": amount}))


def test_an_unknown_stand_in_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(FaultError, match="no stand-in 'pagerduty': there is model, slack"):
        Faults(KNOWN).plan(Fault(stand_in="pagerduty", fault="slow"))


def test_an_unknown_fault_is_refused_with_the_list_and_nothing_is_planned() -> None:
    faults = Faults(KNOWN)
    with pytest.raises(FaultError, match="model knows no fault 'gone': there is cut, slow"):
        faults.plan(Fault(stand_in="model", fault="slow"), Fault(stand_in="model", fault="gone"))
    assert faults.listed() == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"stand_in": "model"}, "fault: Field required"),
        ({"stand_in": "model", "fault": "slow", "when": "now"}, "when: Extra inputs"),
        ({"stand_in": "model", "fault": "slow", "times": -1}, "times: Input should be greater"),
        ("slow", "a fault: Input should be"),
    ],
)
def test_a_fault_of_the_wrong_form_is_refused_with_the_field(asked: object, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        read_faults([asked])


def test_a_fault_passes_the_first_ones_strikes_so_often_and_is_spent() -> None:
    faults = Faults(KNOWN)
    faults.plan(Fault(stand_in="slack", fault="hang", after=2, times=2))
    struck = [faults.take("slack", POST) is not None for _ in range(6)]
    assert struck == [False, False, True, True, False, False]
    (listed,) = faults.listed()
    assert (listed["seen"], listed["struck"], listed["spent"]) == (4, 2, True)


def test_zero_times_means_every_time_until_it_is_cleared() -> None:
    faults = Faults(KNOWN)
    (fault_id,) = faults.plan(Fault(stand_in="slack", fault="hang", times=0))
    assert all(faults.take("slack", POST) for _ in range(5))
    assert (faults.clear(fault_id), faults.clear(fault_id)) == (1, 0)
    assert faults.take("slack", POST) is None


def test_every_word_of_where_has_to_stand_in_the_request_or_what_it_is_about() -> None:
    faults = Faults(KNOWN)
    faults.plan(Fault(stand_in="slack", fault="hang", where="postMessage case-7"))
    assert faults.take("slack", POST, about="case-8") is None
    assert faults.take("slack", "POST /api/chat.update", about="case-7") is None
    assert faults.take("model", POST, about="case-7") is None
    assert faults.take("slack", POST, about="a card of case-7") is not None


def test_two_faults_for_the_same_requests_strike_one_after_the_other() -> None:
    faults = Faults(KNOWN)
    faults.plan(*read_faults([{"stand_in": "model", "fault": name} for name in ("slow", "cut")]))
    taken = [faults.take("model", POST) for _ in range(3)]
    assert [fault and fault.fault for fault in taken] == ["slow", "cut", None]


async def test_many_threads_take_a_fault_no_more_often_than_it_was_planned() -> None:
    faults = Faults(KNOWN)
    faults.plan(Fault(stand_in="slack", fault="hang", times=100))
    taking = [asyncio.to_thread(faults.take, "slack", POST) for _ in range(300)]
    taken = await asyncio.gather(*taking)
    assert sum(fault is not None for fault in taken) == 100


async def test_a_slow_answer_is_whole(app: Struck) -> None:
    app.faults.plan(Fault(stand_in="slack", fault="slow", seconds=0.05))
    assert len(await read(app, "one")) > 100


async def test_a_hanging_request_ends_by_itself_and_was_not_worked_on(app: Struck) -> None:
    app.faults.plan(Fault(stand_in="slack", fault="hang", seconds=0.05))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await read(app, "one")
    assert app.done == []


async def test_a_hanging_request_hangs_until_the_client_gives_up(app: Struck) -> None:
    app.faults.plan(Fault(stand_in="slack", fault="hang"))
    with pytest.raises(TimeoutError):
        await read(app, "one", seconds=0.2)


@pytest.mark.parametrize(("fault", "done"), [("dropped", []), ("accepted_dropped", ["/one"])])
async def test_a_dropped_request_has_no_answer_whether_it_was_done_or_not(
    app: Struck, fault: str, done: list[str]
) -> None:
    app.faults.plan(Fault(stand_in="slack", fault=fault))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await read(app, "one")
    assert app.done == done
    assert await read(app, "two")


async def test_a_cut_answer_says_how_long_it_is_and_ends_before(app: Struck) -> None:
    app.faults.plan(Fault(stand_in="slack", fault="cut"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await read(app, "one")


def test_the_page_names_every_fault_and_what_it_asks_for_can_be_planned() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = {name for known in KNOWN_FAULTS.values() for name in known}
    assert {name for name in names if f"`{name}`" not in page} == set()
    asked = [each for each in re.findall(r"-d '(\{.*\})'", page) if '"stand_in"' in each]
    assert len(asked) >= 5
    assert all(Faults().plan(*read_faults(json.loads(each))) for each in asked)
