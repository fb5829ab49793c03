"""All that is to be sent, one after another, with what became of it in lines for a person."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from cli.publishing.opened import WAITED_SECONDS, Opened, opened
from cli.publishing.parcels import Parcel, Post
from cli.publishing.sending import Answer, fire, post, put
from cli.publishing.target import Target

NONE_OPENED = (
    f"no incident within {WAITED_SECONDS:.0f} s: where one of this alarm is open, it is told to"
    " that one (`nightshift watch`, `nightshift show`)"
)
SHOWN = 10
"""So many answers are shown whole; of more only how many there were of each kind."""


def send_all(outgoing: Iterable[Parcel], target: Target, *, say: Callable[[str], None]) -> bool:
    """Everything is sent and told about; whether something was refused.

    Raises NotConfigured where nobody took it.
    """
    with ExitStack() as stack:
        # Only the stream of this machine is watched: whose Redis another ingest has is not known.
        stream = stack.enter_context(opened()) if target.control else None
        names: list[str] = []
        answers = _told(_sent(outgoing, target, names=names), say)
        for line in _afterwards(names, stream):
            say(line)
    return any(answer.failed for answer in answers)


def fire_alarm(form: str, target: Target, *, recovered: bool, say: Callable[[str], None]) -> None:
    """The alarm of the running scenario changed its state, and what that opened is told.

    Raises NotConfigured where the simulator does not answer.
    """
    with opened() as stream:
        say(f"alarm fired: {fire(form, 'recover' if recovered else 'fire', target)}")
        if not recovered:
            say(stream.first() or NONE_OPENED)


def _sent(outgoing: Iterable[Parcel], target: Target, *, names: list[str]) -> Iterator[Answer]:
    for parcel in outgoing:
        if isinstance(parcel, Post):
            yield post(parcel, target)
            continue
        names += parcel.names
        yield put(parcel, target)


def _told(answers: Iterable[Answer], say: Callable[[str], None]) -> list[Answer]:
    """The first ones as they come, and how many there were of each kind where there are more."""
    kept: list[Answer] = []
    for answer in answers:
        kept.append(answer)
        if len(kept) <= SHOWN:
            say(answer.said)
    if len(kept) > SHOWN:
        kinds = Counter(answer.kind for answer in kept)
        say(f"{len(kept):,} sent: " + "; ".join(f"{n:,} x {kind}" for kind, n in kinds.items()))
    incidents = dict.fromkeys(incident for answer in kept for incident in answer.incidents)
    for incident in list(incidents)[:SHOWN]:
        say(incident)
    return kept


def _afterwards(names: list[str], stream: Opened | None) -> Iterator[str]:
    """Which incidents the queue's messages opened, or why there may be none."""
    if stream is None or not names:
        return
    found = 0
    for incident in stream.incidents(names):
        found += 1
        if found <= SHOWN:
            yield incident
    if not found:
        yield NONE_OPENED
