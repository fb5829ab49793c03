"""Collects the evidence of a run from where it lies."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from redis import Redis

from bus.connection import as_text
from bus.streams import STREAMS
from cli.stack import Stack, call
from tests.chaos.evidence import (
    CALL,
    Asked,
    Entry,
    Evidence,
    Fault,
    Message,
    Note,
    Version,
    case_of,
    lasted,
    says,
)
from tests.chaos.fleet import Fleet
from tests.chaos.recorder import Recorder
from tests.chaos.senders import with_senders
from tests.loop.desk import PREFIX

PAGE = 100
_SUMMARY = re.compile(r"^summary: (.*)$", re.MULTILINE)
SUMMARY_COMPARED = 200


def collect(
    fleet: Fleet,
    recorder: Recorder,
    *,
    faults: Iterable[Fault] = (),
    sent: Iterable[str] = (),
    published: Iterable[str] = (),
) -> Evidence:
    """The evidence of everything since the recorder began.

    What was sent through the queue, and what was published onto the stream, is to be found in it.
    """
    entries = tuple(_entry(*row) for row in recorder.rows())
    messages = list(_messages(fleet.stack))
    names, passages = _Names.of(entries), list(fleet.proxy.log)
    asked = _asked(Path(str(fleet.stack.world["requests"])), names)
    with Redis.from_url(fleet.stack.redis_url) as redis:
        return Evidence(
            entries=entries,
            asked=tuple(with_senders(asked, passages, names.cases)),
            messages=tuple(one for one in messages if one.incident),
            strangers=tuple(one for one in messages if not one.incident),
            faults=tuple(faults),
            notes=tuple(
                Note(one.at, f"{one.channel} proxy", one.said(), one.incident) for one in passages
            ),
            sent=tuple(sent),
            published=tuple(published),
            pending=pending_of(redis),
            deadlines=tuple(
                as_text(name) for name in _rows(redis.zrange(f"{PREFIX}deadlines", 0, -1))
            ),
            lasting_keys=tuple(_lasting_keys(redis)),
        )


def settled(stack: Stack, seconds: float = 60) -> None:
    """Everything is read and acknowledged, and no thread or message is owed; or time has passed."""
    give_up_at = time.monotonic() + seconds
    with Redis.from_url(stack.redis_url) as redis:
        stack.wait(
            "quiet",
            lambda: is_quiet(redis) or time.monotonic() > give_up_at,
            seconds=seconds + 5,
        )


def is_quiet(redis: "Redis") -> bool:
    """Whether nothing is left to be done: no entry, no second message, no detail of a thread."""
    owed = redis.exists(f"{PREFIX}second-messages", f"{PREFIX}details")
    return not pending_of(redis) and not owed


def pending_of(redis: "Redis") -> dict[str, int]:
    """What each group has not read or not acknowledged yet; groups with nothing left out."""
    found: Counter[str] = Counter()
    for stream in STREAMS:
        key = PREFIX + stream.name
        if not redis.exists(key):
            continue
        newest = as_text(_fields(redis.xinfo_stream(key))["last-generated-id"])
        for group in _rows(redis.xinfo_groups(key)):
            name = f"{stream.name}/{as_text(group['name'])}"
            read = as_text(group["last-delivered-id"])
            found[name] += int(group["pending"])
            if read != newest:
                found[name] += len(_rows(redis.xrange(key, f"({read}", "+", count=1000)))
    return {name: count for name, count in found.items() if count}


@dataclass(frozen=True)
class _Names:
    """By what a request is recognised: a case in a path, or a summary in an opening."""

    cases: Mapping[str, str]
    summaries: Mapping[str, str]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "_Names":
        cases: dict[str, str] = {}
        summaries: dict[str, str] = {}
        for entry in entries:
            if entry.stream != "incidents":
                continue
            summary = str(entry.values.get("summary", ""))[:SUMMARY_COMPARED].strip()
            if case := case_of(entry):
                cases[case] = entry.incident
            # The same summary twice recognises nobody.
            known = summaries.get(summary, entry.incident)
            summaries[summary] = entry.incident if known == entry.incident else ""
        return cls(cases, summaries)

    def by_opening(self, opening: str) -> str:
        summary = _SUMMARY.search(opening)
        return self.summaries.get(summary[1][:SUMMARY_COMPARED].strip(), "") if summary else ""


def _entry(stream: str, entry_id: str, fields: Mapping[str, str]) -> Entry:
    try:
        values = json.loads(fields.get("data", ""))
    except ValueError:
        values = {}
    values = values if isinstance(values, dict) else {}
    if stream == "incidents":
        values = {"incident_id": f"inc-{entry_id}"} | values
    at = int(entry_id.partition("-")[0]) / 1000
    kind = "DeadLetter" if stream.endswith(".dead") else "IncidentOpened"
    return Entry(at, stream, fields.get("event") or kind, values, entry_id)


def _asked(path: Path, names: _Names) -> Iterator[Asked]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            facts = json.loads(line)
            if facts["stand_in"] in ("model", "kubernetes", "github", "slack"):
                yield _one_asked(facts, names)


def _one_asked(facts: dict[str, Any], names: _Names) -> Asked:
    incident = named = ""
    if facts["stand_in"] == "model":
        incident = names.by_opening(str(facts.get("opening", "")))
        named = str(facts.get("messages", ""))
    elif facts["stand_in"] == "slack":
        incident = _incident_of(facts.get("metadata"))
    else:
        found = CALL.search(f"{facts['request']}?{facts.get('query', '')}")
        incident, named = (names.cases.get(found[1], ""), found[2]) if found else ("", "")
    answered_at = _seconds(facts["at"])
    began = facts.get("began_at")
    return Asked(
        _seconds(began) if began else answered_at,
        answered_at,
        facts["stand_in"],
        facts["request"],
        int(facts["status"]),
        incident,
        named,
        facts,
    )


def _messages(stack: Stack) -> Iterator[Message]:
    everything = list(_said(stack))
    threads: dict[str, list[str]] = {}
    for said in everything:
        threads.setdefault(str(said.get("thread_ts")), []).append(detail_of(said))
    for said in everything:
        if said.get("thread_ts") in (None, said["ts"]):
            versions = tuple(map(_version, said["versions"]))
            details = tuple(threads.get(said["ts"], ()))
            yield Message(_incident_of(said.get("metadata")), said["ts"], versions, details)


def _said(stack: Stack) -> Iterator[dict[str, Any]]:
    first = 0
    while True:
        url = f"{stack.control}/_simulator/messages?first={first}&count={PAGE}"
        page = call(url)["messages"]
        yield from page
        if len(page) < PAGE:
            return
        first += PAGE


def detail_of(said: dict[str, Any]) -> str:
    """Which detail a reply is: by its metadata, or by the name of its file, INCIDENT-KEY.txt."""
    for file in said.get("files") or ():
        return str(file["name"]).rpartition("-")[2].partition(".")[0]
    payload = (said.get("metadata") or {}).get("event_payload") or {}
    return str(payload.get("detail", ""))


def _version(said: dict[str, Any]) -> Version:
    text, blocks = said["text"], said["blocks"]
    return Version(float(said["at"]), says(text, blocks), text, lasted(text, blocks))


def _incident_of(metadata: Any) -> str:
    if isinstance(metadata, str):
        metadata = json.loads(metadata or "{}")
    return str(((metadata or {}).get("event_payload") or {}).get("incident_id", ""))


def _lasting_keys(redis: "Redis") -> Iterator[str]:
    streams = {PREFIX + stream.name + end for stream in STREAMS for end in ("", ".dead")}
    lasting = streams | {f"{PREFIX}deadlines", f"{PREFIX}generation"}
    for raw in redis.scan_iter(match=f"{PREFIX}*", count=1000):
        if as_text(raw) not in lasting and redis.ttl(raw) == -1:
            yield as_text(raw)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _rows(answer: Any) -> list[Any]:
    return list(answer)


def _fields(answer: Any) -> dict[str, Any]:
    return dict(answer)
