"""The audit trail as a whole: whether an entry of it was altered, dropped or put in.

Each replica numbers its entries from 1 and writes the hash of the one before into the next, so a
change in the middle of a chain shows in the entry after it. What a chain cannot show is that its
last entries are gone, altered or made up: that shows by the stored results, by the stream's own
counters, and by the MAC of each entry where there is a key.
"""

import hmac
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from services.toolrunner.audit import data_sha256, mac_of

MADE = ("executed", "repeated")
Call = tuple[str, str]
"""Investigation and call id."""


@dataclass(frozen=True)
class Kept:
    """An entry as the stream or an export of it holds it: its id there and the event's fields."""

    entry_id: str
    fields: Mapping[str, JsonValue]

    def text(self, name: str) -> str:
        """A field as text, empty when it is not there."""
        return str(self.fields.get(name, ""))

    @property
    def number(self) -> int:
        """Its number in its replica's life; 0 when it has none that counts."""
        number = self.fields.get("number")
        return number if isinstance(number, int) and not isinstance(number, bool) else 0

    @property
    def call(self) -> Call:
        """Investigation and tool call that it is about."""
        return self.text("investigation_id"), self.text("tool_call_id")


@dataclass(frozen=True)
class Stored:
    """A stored result: whether it is an answer, and the hash of its whole."""

    ok: bool
    sha256: str


@dataclass(frozen=True)
class Flaw:
    """What is wrong, and where: an entry id, or a call."""

    where: str
    what: str


def flaws_of_chains(entries: Sequence[Kept], *, since_the_start: bool) -> list[Flaw]:
    """What is wrong with the chains, given their entries in the stream's order.

    `since_the_start`: nothing was trimmed, so that every chain must begin with number 1.
    """
    lives: dict[str, list[Kept]] = {}
    for entry in entries:
        lives.setdefault(entry.text("replica"), []).append(entry)
    return [
        flaw
        for life in lives.values()
        for flaw in _flaws_of_life(life, since_the_start=since_the_start)
    ]


def flaws_of_macs(entries: Sequence[Kept], key: str) -> list[Flaw]:
    """Entries with another MAC than the key gives, or with none where one must be.

    Before toolrunners had the key, none of their entries had one: so one must be in every entry
    after the first that has one, and in all entries of a life that has any.
    """
    with_mac = [at for at, entry in enumerate(entries) if entry.text("mac")]
    if entries and not with_mac:
        said = "no entry has a MAC: no toolrunner had NIGHTSHIFT_AUDIT_KEY, or all were made up"
        return [Flaw(entries[-1].entry_id, said)]
    lives = {entries[at].text("replica") for at in with_mac}
    found = []
    for at, entry in enumerate(entries):
        if not entry.text("mac"):
            if at > with_mac[0] or entry.text("replica") in lives:
                found.append(
                    Flaw(entry.entry_id, "it has no MAC, as others before it or of its replica do")
                )
        elif not _is_mac(entry, key):
            found.append(Flaw(entry.entry_id, "its MAC is not that of NIGHTSHIFT_AUDIT_KEY"))
    return found


def _is_mac(entry: Kept, key: str) -> bool:
    return hmac.compare_digest(entry.text("mac").encode(), mac_of(entry.fields, key).encode())


def calls_without_entry(stored: Collection[Call], entries: Sequence[Kept]) -> list[Flaw]:
    """Calls whose result is stored, and that nobody audited."""
    audited = {entry.call for entry in entries}
    said = "its result is stored and it has no audit entry"
    return [Flaw(" ".join(call), said) for call in sorted(stored) if call not in audited]


def entries_against_results(stored: Mapping[Call, Stored], entries: Sequence[Kept]) -> list[Flaw]:
    """Entries that say other things than the stored results, which were read after them.

    A call that was made twice has one result and two entries, so nothing is said of those.
    """
    known = {investigation for investigation, _ in stored}
    times = Counter(entry.call for entry in entries)
    found = []
    for entry in entries:
        result = stored.get(entry.call)
        if result is None and entry.call[0] in known:
            found.append(Flaw(entry.entry_id, "there is no such call in its investigation"))
        elif result is not None and times[entry.call] == 1 and (what := _against(entry, result)):
            found.append(Flaw(entry.entry_id, what))
    return found


def _against(entry: Kept, stored: Stored) -> str:
    was_made = entry.text("outcome") in MADE
    if was_made != stored.ok:
        return f"it says {entry.text('outcome')}, and the stored result says otherwise"
    if was_made and entry.text("result_sha256") != stored.sha256:
        return "its result is not the one that is stored"
    return ""


def calls_with_two_entries(entries: Sequence[Kept]) -> list[Flaw]:
    """Calls that were carried out more than once without being told to be repeats.

    A refusal may stand twice: by a replica that was frozen over it, and by the one that took over.
    """
    times = Counter(entry.call for entry in entries if entry.text("outcome") == "executed")
    return [
        Flaw(f"{investigation} {call}", f"it has {count} audit entries that are no repeats")
        for (investigation, call), count in sorted(times.items())
        if count > 1
    ]


def _flaws_of_life(life: Sequence[Kept], *, since_the_start: bool) -> Iterator[Flaw]:
    before: Kept | None = None
    for entry in life:
        if problem := _problem(entry, before, since_the_start=since_the_start):
            yield Flaw(entry.entry_id, f"{entry.text('replica') or 'no replica'}: {problem}")
        before = entry


def _problem(entry: Kept, before: Kept | None, *, since_the_start: bool) -> str:
    problem = ""
    if not entry.number or not entry.text("replica"):
        problem = "the entry does not say which replica wrote it, or its number"
    elif entry.number < 1:
        problem = f"number {entry.number} is none that a replica writes"
    elif before is not None and entry.number != before.number + 1:
        problem = f"number {entry.number} follows {before.number}: entries are gone or were put in"
    elif before is not None and entry.text("previous_sha256") != data_sha256(before.fields):
        problem = f"entry {before.number} ({before.entry_id}) is not what it was when this one came"
    elif before is None and entry.number > 1 and since_the_start:
        problem = f"its first entry has number {entry.number}: those before it are gone"
    elif before is None and entry.number == 1 and entry.text("previous_sha256"):
        problem = "entry 1 names one before it"
    return problem
