"""What of many groups is shown where not all fit: the severest, then the oddest, each in turn.

Every kind gets its least first. What room is left then goes to more of each, in the same order, so
a long trace does not cost the others theirs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.toolrunner.condense_groups import Group
from services.toolrunner.condense_words import BLANK

SHARED = 0.05
"""A word that so many of the groups have belongs to their form, and not to what they tell."""
LEFT_OUT_WIDTH = 90
MOST_OF_A_FORM = 3
"""Of what is no trouble, where not all fits, so many of each form are enough."""
Block = list[str]


@dataclass(frozen=True)
class Detail:
    """How much of a record is shown: lines, characters of each, and whether the last one too.

    Of the lines left out, those that name a cause are shown, up to so many.
    """

    lines: int
    width: int
    last: bool
    causes: int = 0


DETAILS = (
    Detail(80, 1_200, last=True, causes=12),
    Detail(24, 400, last=True, causes=6),
    Detail(8, 240, last=False, causes=4),
    Detail(1, 140, last=False, causes=2),
)
Show = Callable[[Group, Detail], Block]


@dataclass(frozen=True)
class Filled:
    """The groups that fit, in the order given, and the rest; `full` where nothing is shortened."""

    blocks: list[Block]
    rest: list[Group]
    full: bool = False


def filled(groups: Sequence[Group], show: Show, *, room: int) -> Filled:
    """As many groups as fit, each in as much detail as fits."""
    every = _all_of(groups, show, room=room)
    if every is not None:
        return Filled(every, [], full=True)
    order = ranked(groups)
    blocks: dict[int, Block] = {}
    left = room - LEFT_OUT_WIDTH
    for at in order:
        if left < LEFT_OUT_WIDTH:
            break
        block = show(groups[at], DETAILS[-1])
        if (size := length(block)) <= left:
            blocks[at] = block
            left -= size
    _widened(blocks, [(at, groups[at]) for at in order if at in blocks], show=show, left=left)
    rest = [group for at, group in enumerate(groups) if at not in blocks]
    return Filled([blocks[at] for at in sorted(blocks)], rest)


def _all_of(groups: Sequence[Group], show: Show, *, room: int) -> list[Block] | None:
    """The blocks of all groups in full; None when they do not fit."""
    blocks = []
    for group in groups:
        block = show(group, DETAILS[0])
        room -= length(block)
        if room < 0:
            return None
        blocks.append(block)
    return blocks


def _widened(
    blocks: dict[int, Block], taken: Sequence[tuple[int, Group]], *, show: Show, left: int
) -> None:
    """Spend what room is left on more detail, a little for all before much for one."""
    for detail in reversed(DETAILS[:-1]):
        for at, group in taken:
            if left < LEFT_OUT_WIDTH:
                return
            block = show(group, detail)
            more = length(block) - length(blocks[at])
            if more <= left:
                blocks[at] = block
                left -= more


def ranked(groups: Sequence[Group]) -> list[int]:
    """The places of the groups, by what must be seen: severe, of a form that few have, rare.

    Of each form one is taken before a second of any: its first, its last, then its rarest.
    """
    forms: dict[tuple[object, ...], list[int]] = {}
    for at, form in enumerate(_forms(groups)):
        forms.setdefault((groups[at].trouble, *form), []).append(at)
    keys: dict[int, tuple[int, ...]] = {}
    for members in forms.values():
        first, *others = members
        last = others[-1:]
        rarest = sorted(others[:-1], key=lambda at: groups[at].count)
        every = [first, *last, *rarest]
        for turn, at in enumerate(every if groups[first].trouble else every[:MOST_OF_A_FORM]):
            keys[at] = (-groups[at].trouble, turn, len(members), groups[at].count, at)
    return sorted(keys, key=lambda at: keys[at])


def _forms(groups: Sequence[Group]) -> list[tuple[str, ...]]:
    """Of each group the words of its first line that many others have too."""
    words = [
        [word for word in group.template.partition("\n")[0].split() if BLANK not in word]
        for group in groups
    ]
    known = Counter(word for each in words for word in set(each))
    least = max(SHARED * len(groups), 2)
    return [tuple(word for word in each if known[word] >= least) for each in words]


def length(lines: Iterable[str]) -> int:
    """How many characters the lines take, with their ends."""
    return sum(len(line) + 1 for line in lines)
