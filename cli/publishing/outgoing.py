"""All that is to be sent, one after another, with what became of it in lines for a person."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from bus.cleaning import clean
from cli.publishing.opened import ANSWERED_SECONDS, IN_QUEUE_SECONDS, Opened, opened
from cli.publishing.parcels import Parcel, Post
from cli.publishing.sending import Answer, fire, post, put
from cli.publishing.target import Target

NONE_OPENED = (
    "no new incident: it was ignored, it waits, it was folded into the summary of a storm, or one"
    " of this problem is open or was a short while ago (`nightshift show --ignored`,"
    " `nightshift watch`)"
)
NONE_OF_ASKING = "no new incident: whoever asked is told why, in Slack alone"
SHOWN = 10
"""So many answers are shown whole; of more only how many there were of each kind."""
Say = Callable[[str], None]


def send_all(
    outgoing: Iterable[Parcel], target: Target, *, number: int, say: Say, none: str = NONE_OPENED
) -> bool:
    """Everything is sent and told about, at most `number` incidents too; whether one was refused.

    `none` is said where none of them was opened. Raises NotConfigured where nobody took it.
    """
    with ExitStack() as stack:
        # Only the stream of this machine is watched: whose Redis another ingest has is not known.
        stream = stack.enter_context(opened()) if target.control else None
        answers = _told(_sent(outgoing, target, stream=stream), say)
        failed = any(answer.failed for answer in answers)
        if stream is None or failed:
            return failed
        waits = any(answer.waits for answer in answers)
        seconds = IN_QUEUE_SECONDS if waits else ANSWERED_SECONDS
        return _show(stream, number, seconds=seconds, say=say, none=none)


def fire_alarm(form: str, target: Target, *, recovered: bool, say: Say) -> None:
    """The alarm of the running scenario changed its state, and what that opened is told.

    Raises NotConfigured where the simulator does not answer.
    """
    with opened() as stream:
        say(f"alarm fired: {fire(form, target, change='recover' if recovered else 'fire')}")
        if not recovered:
            _show(stream, 1, seconds=IN_QUEUE_SECONDS, say=say, none=NONE_OPENED)


def _sent(outgoing: Iterable[Parcel], target: Target, *, stream: Opened | None) -> Iterator[Answer]:
    for parcel in outgoing:
        if isinstance(parcel, Post):
            yield post(parcel, target)
            continue
        if stream is not None:
            stream.note(parcel.body)
        yield put(parcel, target)


def _told(answers: Iterable[Answer], say: Say) -> list[Answer]:
    """The first ones as they come, and how many there were of each kind where there are more."""
    kept: list[Answer] = []
    for answer in answers:
        kept.append(answer)
        if len(kept) <= SHOWN:
            say(answer.said)
    if len(kept) > SHOWN:
        kinds = Counter(answer.kind for answer in kept)
        say(f"{len(kept):,} sent: " + "; ".join(f"{n:,} x {kind}" for kind, n in kinds.items()))
    return kept


def _show(stream: Opened, number: int, *, seconds: float, say: Say, none: str) -> bool:
    """The incidents that were opened, or why there may be none; whether something was refused."""
    found = 0
    for incident in stream.incidents(number, seconds=seconds):
        found += 1
        if found <= SHOWN:
            say(incident)
    if found > SHOWN:
        say(f"{found:,} incidents opened (`nightshift watch`)")
    refused = stream.refused()
    for reason in refused[:SHOWN]:
        say(f"refused: {clean(reason)[:500]} (`nightshift dead-letters list`)")
    if not found and not refused and number:
        say(none)
    return bool(refused)
