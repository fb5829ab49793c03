"""Tool calls while toolrunners are killed: one audit entry each, and none can be touched unseen."""

import asyncio
import itertools
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bus.commits import Investigations
from bus.connection import as_text
from bus.envelope import Entry, entry_fields
from bus.events import IncidentOpened, ToolCallId, ToolCallRequested
from bus.record import Call, Commit, Record
from bus.streams import AUDIT, INCIDENTS, TOOL_CALLS, Keys
from services.toolrunner.audit_trail import Flaw, Kept, flaws_of_chains
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.cli.nightshift import Ended, run
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(400)]
CALLS_EACH = 20
TOOLRUNNERS = 3
KEYS = Keys(PREFIX)
KEY = secrets.token_hex(16)
PLAN = FleetPlan(
    replicas={"ingest": 0, "reasoner": 0, "notifier": 0, "toolrunner": TOOLRUNNERS},
    settings={
        "NIGHTSHIFT_LEASE_SECONDS": "2",
        "NIGHTSHIFT_DEADLINE_SECONDS": "3000",
        "NIGHTSHIFT_AUDIT_KEY": KEY,
        # Looked up without being asked: calls and entries could not be counted against each other.
        "NIGHTSHIFT_ROLLOUTS_SECONDS": "0",
    },
)
KINDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("kubernetes__list_pods", {"namespace": "boutique"}),
    ("kubernetes__list_events", {"namespace": "boutique"}),
    ("kubernetes__list_pods", {"namespace": "kube-system"}),
    ("kubernetes__list_pods", {"namespace": "boutique", "wide": True}),
    ("kubernetes__get_logs", {"namespace": "boutique", "pod": "no-such-pod"}),
    ("kubernetes__delete_pod", {"namespace": "boutique", "pod": "cartservice"}),
)
"""Carried out, refused for the arguments, failed at the cluster, and refused for the tool."""
TAMPERINGS = (
    *("drop", "double", "tool", "reason", "decision", "outcome", "replica", "number"),
    *("arguments_sha256", "result_sha256", "result_bytes", "tool_call_id", "investigation_id"),
)
Row = dict[str, Any]


def test_every_call_has_one_audit_entry_though_toolrunners_are_killed(
    lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    total, kills_at_least = lane.pick((80, 2), (1_000, 20))
    draw = lane.random("audit")
    with running_fleet(PLAN) as fleet:
        fleet.wait_ready()
        asked = asyncio.run(ask_for_calls(fleet, total // CALLS_EACH))
        kills = killing(fleet, draw, total=total, at_least=kills_at_least)
        times = Counter(call_of(fields) for _, fields in audited(fleet))
        outcomes = Counter(str(fields["outcome"]) for _, fields in audited(fleet))
        whole = audit(fleet, tmp_path, "verify")
        exported = audit(fleet, tmp_path, "export")
        shortened = shortened_and_verified(fleet, tmp_path)
        forged = forged_and_verified(fleet, tmp_path)
    assert exported.code == 0, exported.errors
    *lines, seal = exported.output.splitlines()
    rows = [json.loads(line) for line in lines]
    exports = ([*lines, seal], lines, [*lines[:-1], moved_in_time(lines[-1]), seal])
    assert [sealed(fleet, tmp_path, export) for export in exports] == [0, 1, 1]
    missed = [how for how in TAMPERINGS if not flaws(tampered(rows, how))]
    what = f"{total} calls, {kills} toolrunners killed"
    figures.add("T23", f"{what}: calls without one audit entry", len(asked - times.keys()), 0)
    figures.add("T23", f"{what}: audit entries beyond one a call", times.total() - len(times), 0)
    figures.add("T23", f"{what}: {dict(sorted(outcomes.items()))}; verify says", whole.code, 0)
    figures.add("T23", f"{len(TAMPERINGS)} ways to alter or drop an entry: missed", len(missed), 0)
    assert set(times) == asked
    assert set(times.values()) == {1}
    assert {"executed", "repeated", "refused", "failed"} >= set(outcomes) >= {"executed", "refused"}
    assert (whole.code, whole.errors) == (0, ""), whole.output
    assert (missed, flaws(rows)) == ([], [])
    assert shortened.code == 1
    assert "the newest entry is gone" in shortened.output
    assert "its result is stored and it has no audit entry" in shortened.output
    assert forged.code == 1
    assert forged.output.count("its MAC is not that of NIGHTSHIFT_AUDIT_KEY") == 1
    assert forged.output.count("there is no such call in its investigation") == 1


def shortened_and_verified(fleet: Fleet, folder: Path) -> Ended:
    """What `verify` says after the newest entry was taken away."""
    fleet.desk.redis.xdel(KEYS.stream(AUDIT), list(audited(fleet))[-1][0])
    return audit(fleet, folder, "verify")


def forged_and_verified(fleet: Fleet, folder: Path) -> Ended:
    """What `verify` says after a made-up entry of a made-up replica was put in."""
    _, last = list(audited(fleet))[-1]
    made_up = {**last, "replica": "toolrunner-7/aaaa", "number": 1, "previous_sha256": ""}
    data = json.dumps({**made_up, "tool_call_id": "9-9"})
    fleet.desk.redis.xadd(KEYS.stream(AUDIT), {"event": "ToolCallAudited", "data": data})
    return audit(fleet, folder, "verify")


async def ask_for_calls(fleet: Fleet, investigations: int) -> set[tuple[str, str]]:
    """Investigations that wait for calls, and the calls on their stream; their ids."""
    asked: set[tuple[str, str]] = set()
    kinds = itertools.cycle(KINDS)
    async with AsyncRedis.from_url(fleet.stack.redis_url) as redis:
        store = Investigations(redis, KEYS, lasts=timedelta(seconds=3000))
        for number in range(1, investigations + 1):
            record = await opened(redis, store, number=number)
            for call in record.calls:
                tool, arguments = next(kinds)
                wanted = ToolCallRequested.model_validate(
                    {
                        "investigation_id": record.investigation_id,
                        "tool_call_id": call.tool_call_id,
                        "turn": 1,
                        "tool": tool,
                        "arguments": arguments,
                    }
                )
                fields = entry_fields(wanted, record.trace.traceparent)
                await redis.xadd(
                    KEYS.stream(TOOL_CALLS), {name: text for name, text in fields.items()}
                )
                asked.add((str(record.investigation_id), str(call.tool_call_id)))
    return asked


async def opened(redis: AsyncRedis, store: Investigations, *, number: int) -> Record:
    """A record that awaits as many calls as there are to be."""
    incident = IncidentOpened(
        service="cartservice", summary="HTTP 500", incident_id=f"inc-audit-{number}"
    )
    fields = entry_fields(incident)
    added = await redis.xadd(KEYS.stream(INCIDENTS), {name: text for name, text in fields.items()})
    entry_id = as_text(added)
    entry = Entry(stream=INCIDENTS, group="reasoner", entry_id=entry_id, fields=fields)
    record = await store.open(incident, entry, acknowledge=False)
    waiting = await store.apply(record.investigation_id, partial(awaiting, count=CALLS_EACH))
    assert waiting is not None
    return waiting


def awaiting(record: Record, count: int) -> Commit:
    calls = tuple(
        Call(tool_call_id=ToolCallId(f"1-{k}"), tool_use_id=f"tu-{k}", tool="kubernetes__list_pods")
        for k in range(1, count + 1)
    )
    return Commit(record=record.changed(state="awaiting_tools", calls=calls))


def killing(fleet: Fleet, draw: random.Random, *, total: int, at_least: int) -> int:
    """Toolrunners were killed and replaced until all calls were answered; how many were."""
    kills, next_at = 0, time.monotonic() + draw.uniform(0.1, 0.4)

    def step() -> bool:
        nonlocal kills, next_at
        done = fleet.desk.redis.xlen(KEYS.stream(AUDIT)) >= total
        if not done and time.monotonic() >= next_at and len(fleet.of("toolrunner")) == TOOLRUNNERS:
            draw.choice(fleet.of("toolrunner")).kill()
            kills += 1
            fleet.start("toolrunner")
            # Sooner at first, so that a short run has its kills too.
            next_at = time.monotonic() + draw.uniform(0.2, 0.6 if kills < at_least else 3.0)
        return bool(done)

    fleet.desk.wait("an audit entry for every call", step, seconds=300)
    return kills


def audited(fleet: Fleet) -> Iterator[tuple[str, dict[str, object]]]:
    with Redis.from_url(fleet.stack.redis_url) as redis:
        for entry_id, raw in redis.xrange(KEYS.stream(AUDIT)):
            yield as_text(entry_id), json.loads(raw[b"data"])


def call_of(fields: dict[str, object]) -> tuple[str, str]:
    return str(fields["investigation_id"]), str(fields["tool_call_id"])


def audit(fleet: Fleet, folder: Path, *arguments: str) -> Ended:
    return run(
        "audit",
        *arguments,
        folder=folder,
        REDIS_URL=fleet.stack.redis_url,
        NIGHTSHIFT_STREAM_PREFIX=PREFIX,
        NIGHTSHIFT_AUDIT_KEY=KEY,
    )


def tampered(rows: list[Row], how: str) -> list[Row]:
    """An export in which one entry in the middle of a chain was changed, dropped or doubled."""
    longest = Counter(replica(row) for row in rows).most_common(1)[0][0]
    chain = [at for at, row in enumerate(rows) if replica(row) == longest]
    at = chain[len(chain) // 2]
    before, entry, after = rows[:at], rows[at], rows[at + 1 :]
    if how == "drop":
        return [*before, *after]
    if how == "double":
        return [*before, entry, entry, *after]
    return [*before, {**entry, "data": {**entry["data"], how: "something else"}}, *after]


def replica(row: Row) -> str:
    return str(row["data"]["replica"])


def sealed(fleet: Fleet, folder: Path, lines: list[str]) -> int:
    """How `verify` ends on an export of these lines."""
    (folder / "audit.jsonl").write_text("\n".join(lines) + "\n")
    return audit(fleet, folder, "verify", str(folder / "audit.jsonl")).code


def moved_in_time(line: str) -> str:
    """The same entry, as if it had been written at another time."""
    entry = json.loads(line)
    return json.dumps({**entry, "id": f"1{entry['id']}"})


def flaws(rows: list[Row]) -> list[Flaw]:
    kept = [Kept(row["id"], row["data"]) for row in rows]
    return flaws_of_chains(kept, since_the_start=True)
