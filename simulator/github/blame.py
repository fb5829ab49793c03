"""Who wrote which line: the commits walked back through their patches, as git walks them."""

from dataclasses import dataclass

from simulator.diffs import origins
from simulator.github.repository import Repository
from simulator.scenario import CommitSetup


@dataclass(frozen=True)
class Range:
    """Lines that follow each other and came with the same commit, both numbers included."""

    first: int
    last: int
    commit: CommitSetup


def blame(repository: Repository, commit: CommitSetup, *, path: str) -> list[Range]:
    """The lines of a file at a commit by the commit that made them, in order.

    A commit that touched the file and whose patch is not known made all that is left. So did the
    oldest commit, where none is left to ask. Raises Refused (404) where the text is not known.
    """
    content = repository.entry(path, commit.sha).content or b""
    count = len(content.decode().splitlines())
    made_by: dict[int, CommitSetup] = {}
    # By their number in the text, the numbers of the lines in the version looked at.
    here = {number: number for number in range(1, count + 1)}
    for each in repository.history(path, commit):
        patch = each.patches.get(path, "")
        before = origins(patch, max(here.values(), default=0)) if patch else []
        for number, now in list(here.items()):
            was = before[now - 1] if before else None
            if was is None:
                made_by[number] = each
                del here[number]
            else:
                here[number] = was
    for number in here:
        made_by[number] = repository.setup.commits[-1]
    return _ranges([made_by[number] for number in range(1, count + 1)])


def _ranges(made_by: list[CommitSetup]) -> list[Range]:
    found: list[Range] = []
    for number, commit in enumerate(made_by, 1):
        if found and found[-1].commit is commit:
            found[-1] = Range(found[-1].first, number, commit)
        else:
            found.append(Range(number, number, commit))
    return found
