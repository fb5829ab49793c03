"""What is demanded of a run as a whole, whichever incident it is about."""

from collections.abc import Callable, Iterator

from pydantic import ValidationError

from bus.cleaning import clean
from bus.events import ToolCallAudited
from services.notifier.report import notice_card
from services.toolrunner.audit import entry_sha256
from tests.chaos.checks_of_work import MADE, is_named
from tests.chaos.evidence import CASE, Evidence, case_of
from tests.chaos.rules import Rules, Violation
from tests.chaos.story import stories_of, timeline


def _sent_arrived(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    known = {case_of(entry) for entry in evidence.entries if entry.stream == "incidents"}
    joined = (str(one.values) for one in evidence.entries if one.event == "AlarmJoined")
    known |= {found for text in joined for found in CASE.findall(text)}
    for case in evidence.sent if rules.is_over else ():
        if case not in known:
            yield Violation(
                "R1", "lost alarm", "", f"{case} was sent, and opened or joined no incident"
            )


def _published_opened(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    opened = {entry.incident for entry in evidence.entries if entry.stream == "incidents"}
    aside = {
        f"inc-{entry.values.get('entry_id')}"
        for entry in evidence.entries
        if entry.stream == "incidents.dead"
    }
    if "incidents" in rules.dead_letters:
        opened |= aside
    for incident in evidence.published:
        if incident not in opened:
            what = "set aside" if incident in aside else "not on the stream"
            yield Violation("R1", "lost publication", incident, f"published, and {what}")


def _nobody_unknown(evidence: Evidence, _: Rules) -> Iterator[Violation]:
    """What nobody opened would get no other check."""
    for story in stories_of(evidence).values():
        if story.accepted_at is None and (story.entries or story.asked or story.messages):
            lines = timeline(evidence, story.incident).splitlines()
            yield Violation("R1", "unknown incident", story.incident, lines[1].strip())


def _nothing_left(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    if not rules.is_over:
        return
    for group, count in evidence.pending.items():
        yield Violation("R1", "entries left", "", f"{count} on {group}")
    for name in evidence.deadlines:
        yield Violation("R1", "deadline left", name, "still in the set of deadlines")
    for key in evidence.lasting_keys:
        yield Violation("R9", "key without expiry", "", key)


def _no_dead_letters(evidence: Evidence, rules: Rules) -> Iterator[Violation]:
    for entry in evidence.entries:
        stream = entry.stream.removesuffix(".dead")
        if entry.stream != stream and stream not in rules.dead_letters:
            what = f"{stream} {entry.values.get('entry_id')}: {entry.values.get('reason')}"
            yield Violation("R11", "dead letter", "", what)


def _audit_chains(evidence: Evidence, _: Rules) -> Iterator[Violation]:
    chains: dict[str, list[ToolCallAudited]] = {}
    for entry in evidence.entries:
        if entry.event != "ToolCallAudited":
            continue
        try:
            audited = ToolCallAudited.model_validate(entry.values)
        except ValidationError as error:
            yield Violation("audit", "audit chain broken", entry.incident, str(error))
            continue
        chain = chains.setdefault(audited.replica, [])
        number = chain[-1].number + 1 if chain else 1
        previous = entry_sha256(chain[-1]) if chain else ""
        if (audited.number, audited.previous_sha256) != (number, previous):
            what = f"{audited.replica}: entry {audited.number} does not follow {len(chain)}"
            yield Violation("audit", "audit chain broken", entry.incident, what)
        chain.append(audited)


def _nobodys_messages_are_notices(evidence: Evidence, _: Rules) -> Iterator[Violation]:
    asked_for = {
        notice_card(clean(str(entry.values.get("text")))).text
        for entry in evidence.entries
        if entry.event == "NoticeRequested"
    }
    for message in evidence.strangers:
        if message.versions[-1].text not in asked_for:
            what = f"{message.ts} names no incident, and is no notice: {message.versions[-1].text}"
            yield Violation("R2", "message of nobody", "", what[:300])


def _logs_were_read(evidence: Evidence, _: Rules) -> Iterator[Violation]:
    """A request for a log does not name its call, so they are only counted."""
    unnamed = {
        (entry.incident, entry.call)
        for entry in evidence.entries
        if entry.event == "ToolCallRequested" and not is_named(entry)
    }
    audited = {
        (entry.incident, entry.call)
        for entry in evidence.entries
        if entry.event == "ToolCallAudited"
        and entry.values.get("tool") == "kubernetes__get_logs"
        and entry.values.get("outcome") in MADE
    }
    read = sum(
        one.stand_in == "kubernetes" and one.request.endswith("/log") and one.status < 400
        for one in evidence.asked
    )
    if read < len(unnamed & audited):
        what = f"{len(unnamed & audited)} readings of logs are audited, and {read} were made"
        yield Violation("audit", "audited and never read", "", what)


OfAll = Callable[[Evidence, Rules], Iterator[Violation]]
CHECKS_OF_ALL: tuple[OfAll, ...] = (
    _sent_arrived,
    _published_opened,
    _nobody_unknown,
    _nothing_left,
    _no_dead_letters,
    _audit_chains,
    _nobodys_messages_are_notices,
    _logs_were_read,
)
