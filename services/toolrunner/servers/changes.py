"""A commit's files as rows with their patches, cut at hunks where they are too long; it is said."""

import re
from collections.abc import Iterator

from services.toolrunner.remarks import Remark
from services.toolrunner.servers.rows import Fields, at, row, text

MAX_DIFF = 30_000
"""Characters of patches in one answer."""
MAX_FILE_DIFF = 8_000
"""Characters of one file's patch where the commit has others."""
_HUNK = re.compile(r"^@@ ", re.MULTILINE)


def changed_files(files: list[Fields]) -> Iterator[str]:
    """A row for every file, below it as much of its patch as there is room for."""
    left = MAX_DIFF
    most = MAX_FILE_DIFF if len(files) > 1 else MAX_DIFF
    for file in files:
        patch = text(file, "patch")
        yield _head(file)
        shown, note = _cut(patch, min(left, most))
        left -= len(shown)
        if shown:
            yield shown
        if note:
            yield Remark(f"({text(file, 'filename')}: {note}; ask for it alone by path)")
        elif not patch:
            yield Remark(f"({text(file, 'filename')}: no diff: binary, too large or mode only)")


def _head(file: Fields) -> str:
    return row(
        f"file {text(file, 'filename')}",
        text(file, "status"),
        f"+{at(file, 'additions') or 0}",
        f"-{at(file, 'deletions') or 0}",
        was=text(file, "previous_filename"),
    )


def _cut(patch: str, room: int) -> tuple[str, str]:
    """The first hunks that fit, and what was left out; a first hunk that does not fit by lines."""
    if len(patch) <= room:
        return patch, ""
    starts = [found.start() for found in _HUNK.finditer(patch)] or [0]
    ends = [*(start - 1 for start in starts[1:]), len(patch)]
    whole = [end for end in ends if end <= room]
    lines = patch.count("\n") + 1
    if whole:
        shown = patch[: whole[-1]]
        kept = f"{len(whole)} of {len(starts)} hunks shown"
    else:
        shown = patch[: max(patch.rfind("\n", 0, room), 0)]
        kept = f"the diff has {len(starts)} hunks"
    missing = lines - (shown.count("\n") + 1 if shown else 0)
    return shown, f"{kept}, {missing} of {lines} lines left out"
