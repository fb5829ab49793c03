"""Unified diffs, held against files as they were read.

A diff applies where `git apply` would apply it: the counts in each head are those of its hunk, and
the lines that it keeps or takes out stand in the file, at the place that it names or else at the
only place where they stand. A hunk that starts at line 1 belongs to the start of the file, one that
keeps no line after its change to the end, and one that removes the file covers all of it. Whether
the last line ends with a newline must be marked rightly, where that is known. All those lines were
shown in full: what was not read, was cut, or holds a redacted secret cannot be patched. A new file
has nothing to be held against. Prose before the first head and after the last hunk counts for
nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

REDACTED = "[secret:"
"""How the tag of a redacted secret begins (`bus.redaction.tags`)."""
NOWHERE = "/dev/null"
_HEAD = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_OLD = re.compile(r"^--- \"?([^\t\"]+)")
_NEW = re.compile(r"^\+\+\+ \"?([^\t\"]+)")
_BETWEEN = ("index ", "deleted file", "new file", "old mode", "new mode", "similarity ", "\\")
_RENAMED = re.compile(r"(?:rename|copy) (from|to) (.+)")
_STAMP = re.compile(r" \d{4}-\d\d-\d\d\b.*")
_NO_DIFF = re.compile(r"```|~~~|-- ?$")
"""The end of a block of code, or the line before a mail's signature."""
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_HUNKS = re.compile(r"^@@ -\d", re.MULTILINE)


class Misshapen(ValueError):
    """A diff that no tool would take; the text says where."""


@dataclass(frozen=True)
class FileRead:
    """A file, as far as the model has seen it."""

    path: str
    lines: Mapping[int, str]
    """What was shown in full, by line number in the file."""
    seen: frozenset[int]
    """Numbers of all lines that were shown, those that were cut too."""
    call_id: str
    end: int | None = None
    """How many lines the file has, where that is known."""
    newline: bool | None = None
    """Whether its last line ends with a newline, where that is known."""


@dataclass(frozen=True)
class _Hunk:
    start: int
    body: tuple[str, ...]

    @property
    def old(self) -> list[str]:
        return [line[1:] for line in self.body if not line.startswith(("+", "\\"))]

    @property
    def added(self) -> list[str]:
        return [line[1:] for line in self.body if line.startswith("+")]

    @property
    def keeps_after(self) -> bool:
        """Whether it keeps a line after its last change."""
        return [line for line in self.body if line[:1] != "\\"][-1][:1] in ("", " ")

    @property
    def unended(self) -> bool:
        """Whether it says that its last old line has no newline."""
        pairs = zip(self.body, self.body[1:], strict=False)
        return any(mark[:1] == "\\" and line[:1] != "+" for line, mark in pairs)


@dataclass(frozen=True)
class _Change:
    path: str
    hunks: tuple[_Hunk, ...]
    deletes: bool


def changed_paths(diff: str) -> tuple[str, ...]:
    """The paths that its heads name, with and without `a/` and `b/`."""
    heads = [_OLD.match(line) or _NEW.match(line) for line in diff.split("\n")]
    named = [head[1].strip() for head in heads if head]
    return tuple(dict.fromkeys(part for path in named for part in _plain(path)))


def holds_hunks(text: str) -> bool:
    """Whether the text holds a hunk of a diff."""
    return bool(_HUNKS.search(text))


def unfenced(diff: str) -> str:
    """The diff without the blocks of code that it stands in, and what stands outside of these."""
    blocks = [found[2] for found in _FENCE.finditer(diff) if holds_hunks(found[2])]
    inside = "\n".join(block.removesuffix("\n") for block in blocks)
    return inside if len(_HUNKS.findall(inside)) == len(_HUNKS.findall(diff)) else diff


def problem_of(diff: str, reads: Sequence[FileRead]) -> str:
    """Why a diff does not apply to the files as they were read; empty when it does."""
    try:
        changes = list(_changes(diff.removesuffix("\n").split("\n")))
    except Misshapen as error:
        return str(error)
    if not changes:
        return "it has no hunk: a unified diff has heads (--- a/path, +++ b/path, @@ -1,5 +1,5 @@)"
    problems = (_change_problem(change, reads) for change in changes)
    return next((problem for problem in problems if problem), "")


def matches(named: str, path: str) -> bool:
    """Whether a name means that path: the same, or the end of it from a slash on."""
    name = named.strip().removeprefix("./").lstrip("/")
    whole = path.strip().removeprefix("./").lstrip("/")
    return bool(name) and (whole == name or whole.endswith(f"/{name}"))


def _plain(path: str) -> tuple[str, ...]:
    return (path, path[2:]) if path.startswith(("a/", "b/")) else (path,)


def _change_problem(change: _Change, reads: Sequence[FileRead]) -> str:
    path = change.path
    if not all(any(line.startswith(("+", "-")) for line in hunk.body) for hunk in change.hunks):
        return f"a hunk of it changes nothing in {path}"
    read = [each for each in reads if any(matches(name, each.path) for name in _plain(path))]
    if not read:
        return f"{path} was not read, so the diff was held against nothing"
    found = [_read_problem(change, each) for each in read]
    return "" if "" in found else f"{read[-1].path} as read in {read[-1].call_id}: {found[-1]}"


def _read_problem(change: _Change, read: FileRead) -> str:
    after, moved = 0, 0
    for hunk in change.hunks:
        if any(REDACTED in line for line in (*hunk.old, *hunk.added)):
            return f"the hunk at line {hunk.start} touches a redacted line, which nobody can patch"
        at = _place(hunk, read, after=after, moved=moved)
        if at is None:
            return _where_not(hunk, read)
        moved, after = at - hunk.start, at + len(hunk.old)
    (first, *others), removed = change.hunks, [line[:1] for line in change.hunks[0].body]
    whole = not others and first.start <= 1 and {*removed} <= {"-", "\\"}
    if change.deletes and not (whole and after == (read.end or 0) + 1):
        return "it removes the file, but not all of its lines"
    return ""


def _place(hunk: _Hunk, read: FileRead, *, after: int, moved: int) -> int | None:
    """The line at which the hunk's old lines stand, past the hunk before it."""
    if not hunk.old:
        known = hunk.start in read.lines or hunk.start == 0
        return hunk.start if known and read.end == hunk.start >= after else None
    if hunk.start <= 1:
        return 1 if after == 0 and _fits(hunk, read, at=1) else None
    for at in (hunk.start, hunk.start + moved):
        if at >= after and _fits(hunk, read, at=at):
            return at
    found = [at for at in read.lines if at >= after and _fits(hunk, read, at=at)]
    return found[0] if len(found) == 1 else None


def _fits(hunk: _Hunk, read: FileRead, *, at: int) -> bool:
    """Whether the old lines stand there, and their end is the file's where it has to be."""
    if not all(read.lines.get(number) == line for number, line in enumerate(hunk.old, start=at)):
        return False
    if at + len(hunk.old) - 1 != read.end:
        return hunk.keeps_after and not (hunk.unended and read.end is not None)
    return read.newline is None or hunk.unended != read.newline


def _where_not(hunk: _Hunk, read: FileRead) -> str:
    """Why a hunk that has no place has none, told of the line that it names."""
    if hunk.start == 0:
        return "a hunk at line 0 is for an empty file; keep lines that were read around the change"
    differs = (
        _differs(read, number, line=line) for number, line in enumerate(hunk.old, hunk.start)
    )
    if told := next(filter(None, differs), ""):
        return told
    at_end = hunk.start + len(hunk.old) - 1 == read.end
    if not (hunk.keeps_after or at_end):
        return f"the hunk at line {hunk.start} keeps no line after its change: keep one to three"
    if hunk.unended == read.newline if at_end else hunk.unended:
        return f"the hunk at line {hunk.start} is wrong about the newline at the end of the file"
    return f"the hunk at line {hunk.start} has no place of its own"


def _differs(read: FileRead, number: int, *, line: str) -> str:
    if read.end is not None and number > read.end:
        return f"line {number} is past its end: it has {read.end} lines"
    if number not in read.lines:
        return f"line {number} of it was not shown in full, so it cannot be patched"
    known = read.lines[number]
    return "" if known == line else f"line {number} is {known[:200]!r}, not {line[:200]!r}"


def _changes(lines: Sequence[str]) -> Iterator[_Change]:
    """The changed files with their hunks. Raises Misshapen."""
    at, path, deletes, hunks = 0, "", False, list[_Hunk]()
    between = _Between()
    while at < len(lines):
        line = lines[at]
        if head := _HEAD.match(line):
            if not path or between.prose:
                raise Misshapen("a hunk without a head before it (--- a/path, +++ b/path)")
            body = _body(lines, at + 1, head=head)
            hunks.append(_Hunk(int(head[1]), body))
            at += 1 + len(body)
            between = _Between(started=True)
            continue
        if named := _heads(lines[at : at + 2], renamed=between.renamed):
            if hunks:
                yield _Change(path, tuple(hunks), deletes)
            deletes = NOWHERE in lines[at + 1]
            path, hunks, at = named, [], at + 2
            between = _Between(started=True)
            continue
        between.take(lines[at : at + 4])
        at += 1
    if hunks:
        yield _Change(path, tuple(hunks), deletes)


@dataclass
class _Between:
    """What stands between hunks, and before them: lines about a file, or prose."""

    started: bool = False
    """A head was there: before it, whatever stands there is prose."""
    prose: bool = False
    blank: bool = False
    renamed: dict[str, str] = field(default_factory=dict)

    def take(self, lines: Sequence[str]) -> None:
        """The first of the lines may stand there. Raises Misshapen where it may not."""
        line = lines[0]
        if line.startswith("deleted file mode") and not any(NOWHERE in each for each in lines):
            raise Misshapen("it says that the file is deleted, and its head does not (/dev/null)")
        if line.startswith("diff --git "):
            self.prose, self.blank, self.renamed = False, False, {}
        elif found := _RENAMED.match(line):
            self.renamed[found[1]] = found[2].strip()
        elif self.started and not self.prose:
            self._after(line)

    def _after(self, line: str) -> None:
        if not line.strip():
            self.blank = True
        elif _NO_DIFF.match(line) or (self.blank and line[0] not in "+- @\\"):
            self.prose = True
        elif not line.startswith(_BETWEEN):
            raise Misshapen(f"this line belongs to no hunk, so a count is wrong: {line[:200]!r}")


def _heads(lines: Sequence[str], *, renamed: Mapping[str, str]) -> str:
    """The path of the file that two head lines are about, empty where they are none.

    That is the new one, unless the file is renamed or copied. Raises Misshapen.
    """
    found = [kind.match(line) for kind, line in zip((_OLD, _NEW), lines, strict=False)]
    old, new = (_STAMP.sub("", match[1]).strip() if match else "" for match in (*found, None)[:2])
    if not (old and new):
        return ""
    if old == NOWHERE:
        raise Misshapen(f"it adds {new}, and a new file has nothing to be held against")
    if renamed:
        source, target = renamed.get("from", ""), renamed.get("to", "")
        if source not in _plain(old) or target not in _plain(new):
            raise Misshapen(f"it renames {source} to {target}, and its heads name other files")
        return old
    return old if new == NOWHERE else new


def _body(lines: Sequence[str], first: int, *, head: re.Match[str]) -> tuple[str, ...]:
    """The lines of a hunk, as many as its head counts. Raises Misshapen where it has others."""
    old, new = int(head[2] or 1), int(head[4] or 1)
    body: list[str] = []
    while old > 0 or new > 0:
        line = lines[first + len(body)] if first + len(body) < len(lines) else "@@"
        if line[:1] not in ("", " ", "+", "-", "\\"):
            raise Misshapen(f"the hunk at line {head[1]} is shorter or longer than its head says")
        old -= line[:1] in ("", " ", "-")
        new -= line[:1] in ("", " ", "+")
        body.append(line)
    if old or new or not body:
        raise Misshapen(f"the hunk at line {head[1]} is shorter or longer than its head says")
    marks = [line for line in lines[first + len(body) :][:1] if line.startswith("\\")]
    return (*body, *marks)
