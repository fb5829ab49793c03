"""Unified diffs, held against files as they were read.

A diff applies where a strict tool would apply it: the counts in each head are those of its hunk,
and the lines that it keeps or takes out stand in the file, at the place that it names or else at
the only place where they stand. All of them were shown in full: what was not read, was cut, or
holds a redacted secret cannot be patched. A new file has nothing to be held against.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

REDACTED = "[secret:"
"""How the tag of a redacted secret begins (`bus.redaction.tags`)."""
NOWHERE = "/dev/null"
_HEAD = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_OLD = re.compile(r"^--- \"?([^\t\"]+)")
_NEW = re.compile(r"^\+\+\+ \"?([^\t\"]+)")
_BETWEEN = ("diff ", "index ", "new file", "old mode", "new mode", "similarity", "rename", "\\")


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


def changed_paths(diff: str) -> tuple[str, ...]:
    """The paths that its heads name, with and without `a/` and `b/`."""
    heads = [_OLD.match(line) or _NEW.match(line) for line in diff.split("\n")]
    named = [head[1].strip() for head in heads if head]
    return tuple(dict.fromkeys(part for path in named for part in _plain(path)))


def problem_of(diff: str, reads: Sequence[FileRead]) -> str:
    """Why a diff does not apply to the files as they were read; empty when it does."""
    try:
        files = list(_files(diff.strip("\n").split("\n")))
    except Misshapen as error:
        return str(error)
    if not files:
        return "it has no hunk: a unified diff has heads (--- a/path, +++ b/path, @@ -1,5 +1,5 @@)"
    problems = (_file_problem(path, hunks, reads=reads) for path, hunks in files)
    return next((problem for problem in problems if problem), "")


def matches(named: str, path: str) -> bool:
    """Whether a name means that path: the same, or the end of it from a slash on."""
    name = named.strip().removeprefix("./").lstrip("/")
    whole = path.strip().removeprefix("./").lstrip("/")
    return bool(name) and (whole == name or whole.endswith(f"/{name}"))


def _plain(path: str) -> tuple[str, ...]:
    return (path, path[2:]) if path.startswith(("a/", "b/")) else (path,)


def _file_problem(path: str, hunks: Sequence[_Hunk], *, reads: Sequence[FileRead]) -> str:
    if not any(line.startswith(("+", "-")) for hunk in hunks for line in hunk.body):
        return f"it changes nothing in {path}"
    read = [each for each in reads if any(matches(name, each.path) for name in _plain(path))]
    if not read:
        return f"{path} was not read, so the diff was held against nothing"
    found = [_read_problem(hunks, each.lines) for each in read]
    return "" if "" in found else f"{read[-1].path} as read in {read[-1].call_id}: {found[-1]}"


def _read_problem(hunks: Sequence[_Hunk], lines: Mapping[int, str]) -> str:
    after, moved = 0, 0
    for hunk in hunks:
        if any(REDACTED in line for line in (*hunk.old, *hunk.added)):
            return f"the hunk at line {hunk.start} touches a redacted line, which nobody can patch"
        at = _place(hunk, lines, after=after, moved=moved)
        if at is None:
            return _where_not(hunk, lines)
        moved, after = at - hunk.start, at + len(hunk.old)
    return ""


def _place(hunk: _Hunk, lines: Mapping[int, str], *, after: int, moved: int) -> int | None:
    """The line at which the hunk's old lines stand, past the hunk before it."""
    old = hunk.old
    if not old:
        known = hunk.start == 0 or hunk.start in lines
        return hunk.start if known and hunk.start >= after else None
    for at in (hunk.start, hunk.start + moved):
        if at >= after and _stands(old, lines, at=at):
            return at
    found = [at for at in lines if at >= after and _stands(old, lines, at=at)]
    return found[0] if len(found) == 1 else None


def _stands(old: Sequence[str], lines: Mapping[int, str], *, at: int) -> bool:
    return all(lines.get(number) == line for number, line in enumerate(old, start=at))


def _where_not(hunk: _Hunk, lines: Mapping[int, str]) -> str:
    for number, line in enumerate(hunk.old, start=hunk.start):
        if number not in lines:
            return f"line {number} of it was not shown in full, so it cannot be patched"
        if lines[number] != line:
            return f"line {number} is {lines[number][:200]!r}, not {line[:200]!r}"
    return f"the hunk at line {hunk.start} has no place of its own"


def _files(lines: Sequence[str]) -> Iterator[tuple[str, list[_Hunk]]]:
    """The changed files with their hunks. Raises Misshapen."""
    at, path, hunks = 0, "", list[_Hunk]()
    while at < len(lines):
        line = lines[at]
        if head := _HEAD.match(line):
            if not path:
                raise Misshapen("a hunk without a head before it (--- a/path, +++ b/path)")
            body = _body(lines, at + 1, head=head)
            hunks.append(_Hunk(int(head[1]), body))
            at += 1 + len(body)
            continue
        if named := _heads(lines[at : at + 2]):
            if hunks:
                yield path, hunks
            path, hunks, at = named, [], at + 2
            continue
        if line.strip() and not line.startswith(_BETWEEN):
            raise Misshapen(f"this line belongs to no hunk, so a count is wrong: {line[:200]!r}")
        at += 1
    if hunks:
        yield path, hunks


def _heads(lines: Sequence[str]) -> str:
    """The path that two head lines name, empty where they are none. Raises Misshapen."""
    found = [kind.match(line) for kind, line in zip((_OLD, _NEW), lines, strict=False)]
    old, new = (match[1].strip() if match else "" for match in (*found, None, None)[:2])
    if old == NOWHERE and new:
        raise Misshapen(f"it adds {new}, and a new file has nothing to be held against")
    return (old if new == NOWHERE else new) if old and new else ""


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
    if old or new:
        raise Misshapen(f"the hunk at line {head[1]} is shorter or longer than its head says")
    return tuple(body)
