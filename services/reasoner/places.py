"""Code locations: named only where they were seen.

A place in the code was seen when one of these holds; of a line, that very line:

- a file was read (a tool whose name says so, the path among its arguments) and the line was shown,
  in the view or on a page of it; a window of a file counts its lines as the file does;
- blame of the file covers the line;
- a diff from a tool for commits or changes shows the line, before or after the change;
- a search showed a line of the file, which proves the path but no line number;
- a stack trace, or whatever else names `file:line`, stands in a result or in the incident: its file
  has the same name (folders differ between an image and a repository) and the same line. For a
  name that many folders have, such as `index.js`, the folder must be the same too; a folder of
  images such as `/app`, or none, is enough where a result shows the path that is named.

A folder's listing or a commit that names a file is not reading it. A function must stand as a word
in what was shown. What a call asked for and its answer only repeats was not seen by that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from services.reasoner.patches import FileRead, matches
from services.reasoner.sources import (
    IN_WINDOW,
    Known,
    Source,
    lines_seen,
    numbered_lines,
    origin,
    said,
    texts,
    window_of,
)

_PATH_ARGUMENTS = ("path", "file_path", "filepath", "file", "filename")
_READS = re.compile(r"(?:^|_)(?:get|read|fetch|open|view)_\w*(?:file|content|source|blob)")
_NO_READ = re.compile(r"blame|commit|history|search|list")
_LISTING = re.compile(
    r"^(?:file|dir|submodule|symlink) \S.* ?size=|^(?:dir|submodule|symlink) \S+$"
)
_PREFACE = re.compile(r"^successfully downloaded text file\b")
_NOT_KEPT = re.compile(r"^~ .*(?:are not kept|is kept)", re.MULTILINE)
_BLAMED = re.compile(r"^lines (\d+)-(\d+) commit ")
_CHANGED = re.compile(r"^(?:file (\S+) |\+\+\+ (?:b/)?(\S+))")
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_DIFFS = re.compile(r"commit|diff|patch|pull|merge|compar|change")
_FOUND = re.compile(r"^(\S+): ")
_COMMON = re.compile(
    r"(?:index|main|app|server|client|utils?|helpers?|__\w+__|config|settings|handlers?|routes?|"
    r"models?|views?|types|lib|mod|base|common|setup|cli|program|startup|service|controller|api|db|"
    r"errors?|store|worker|dockerfile|deployment|values)(?:\.\w+)*\Z",
    re.IGNORECASE,
)
_BEFORE = r"(?<![\w./\\-])"
_IMAGE = r"(?:(?:usr|src|app|code|workspace|srv|opt|var|www|html|dist|build|home)/)*"
_CALLABLE = re.compile(r"(\w+)\s*(?:\(|$)")
_MOST_TOLD = 8
_JSON_AS_IT_IS = 1_500
"""A longer file of JSON may have had more than 3,000 characters, and is laid out then."""
_SPAN = re.compile(r"line|limit|offset|start|end|page|range")


@dataclass(frozen=True)
class Place:
    """A place in the code as the model names it."""

    path: str
    line: int | None = None
    function: str | None = None


def files_read(sources: Mapping[str, Source]) -> list[FileRead]:
    """The files that were read, each window or page put together with what else was read of it."""
    found: dict[tuple[object, ...], FileRead] = {}
    for name, source in sources.items():
        path = path_asked(source)
        if not path or not reads_files(source.tool) or _NOT_KEPT.search(source.shown):
            continue
        read = _file(path, name, sources=sources)
        if read is None:
            continue
        key = (source.tool, path, read.end, *_of_which(source))
        earlier = found.get(key)
        if earlier is None or any(read.lines.get(n, t) != t for n, t in earlier.lines.items()):
            found[key] = read
        else:
            lines = {**earlier.lines, **read.lines}
            found[key] = replace(read, lines=lines, seen=earlier.seen | read.seen)
    return list(found.values())


def _of_which(source: Source) -> Iterator[str]:
    """The arguments that say of which repository and revision; not the path, nor which lines."""
    for name, value in sorted(source.arguments.items()):
        if value and name not in _PATH_ARGUMENTS and not _SPAN.search(name):
            yield f"{name}={value}"


def path_asked(source: Source) -> str:
    """The path that a call names, empty where it names none."""
    given = (source.arguments.get(name) for name in _PATH_ARGUMENTS)
    return next((value.strip() for value in given if isinstance(value, str) and value.strip()), "")


def reads_files(tool: str) -> bool:
    """Whether the tool's name says that it gives a file's text."""
    name = tool.rpartition("__")[2]
    return bool(_READS.search(name)) and not _NO_READ.search(name)


def place_problem(place: Place, sources: Mapping[str, Source], *, known: Known) -> str:
    """Why a code location is not one that was seen, with what was; empty when it is one."""
    seen: list[str] = []
    for path, lines, name in _shown(sources):
        if not matches(place.path, path):
            continue
        if place.line is None or place.line in lines:
            return _function_problem(place.function, sources, known=known)
        seen.append(f"{path} {_ranges(lines)} ({name})")
    if _in_trace(place, sources, known=known):
        return _function_problem(place.function, sources, known=known)
    named = place.path if place.line is None else f"{place.path}:{place.line}"
    if not seen:
        others = dict.fromkeys(path for path, _, _ in _shown(sources))
        seen = [*others][:_MOST_TOLD]
    return f"{named} was not read; read were: {'; '.join(seen[:_MOST_TOLD]) or 'no files'}"


def _function_problem(function: str | None, sources: Mapping[str, Source], *, known: Known) -> str:
    name = _CALLABLE.findall(function or "")
    if not name or said(name[-1].casefold(), sources, known=known):
        return ""
    return f"the function {name[-1]} stands in nothing that was read"


def _file(path: str, name: str, *, sources: Mapping[str, Source]) -> FileRead | None:
    """What was shown of a file; None where the answer is a folder's listing."""
    shown = lines_seen(name, sources)
    whole = sources[name].whole.split("\n") if sources[name].whole else []
    if _LISTING.match(shown.get(1, "")):
        return None
    top = (whole or [shown.get(number, "") for number in (1, 2)])[:2]
    if lasts := window_of("\n".join(top)):
        read = FileRead(top[0].rpartition(" lines ")[0], {}, frozenset(), name, lasts)
        return _window(read, shown=shown, whole=whole)
    # GitHub's own server puts a sentence before the file.
    ahead = 1 if _PREFACE.match(shown.get(1, "")) else 0
    # Newlines at the end of an answer are not stored: that there is none says nothing.
    newline = whole[-1:] == [""] or None
    end = len(whole) - (newline or 0) if whole else None
    numbers = [n for n in shown if n > ahead and (end is None or n <= end)]
    lines = {n - ahead: shown[n] for n in numbers if n <= len(whole) and whole[n - 1] == shown[n]}
    seen = frozenset(n - ahead for n in numbers)
    if path.casefold().endswith(".json") and len(sources[name].whole) > _JSON_AS_IT_IS:
        lines = {}  # The toolrunner laid it out anew: its lines are not the file's.
    return FileRead(path, lines, seen, name, None if end is None else end - ahead, newline)


def _window(read: FileRead, *, shown: Mapping[int, str], whole: list[str]) -> FileRead:
    lines, seen = dict[int, str](), set[int]()
    for number, text in shown.items():
        if found := IN_WINDOW.match(text):
            seen.add(int(found[1]))
            if number <= len(whole) and whole[number - 1] == text:
                lines[int(found[1])] = found[2]
    return replace(read, lines=lines, seen=frozenset(seen))


def _shown(sources: Mapping[str, Source]) -> Iterator[tuple[str, frozenset[int], str]]:
    """Every file of which something was shown, the lines, and the result."""
    for read in files_read(sources):
        yield read.path, read.seen, read.call_id
    for name, source in sources.items():
        lines = numbered_lines(source.shown)
        tool = sources.get(origin(name, sources), source).tool.rpartition("__")[2]
        if "blame" in tool and (path := path_asked(source)):
            ranges = [match for text in lines.values() if (match := _BLAMED.match(text))]
            yield path, frozenset(n for r in ranges for n in _numbers(int(r[1]), int(r[2]))), name
        elif "search" in tool and "code" in tool:
            for path in {match[1] for text in lines.values() if (match := _FOUND.match(text))}:
                yield path, frozenset(), name
        changed = _changed(lines) if _DIFFS.search(tool) else {}
        for path, numbers in changed.items():
            yield path, frozenset(numbers), name


def _numbers(first: int, last: int) -> Iterable[int]:
    return range(first, min(last, first + 100_000) + 1)


def _changed(lines: Mapping[int, str]) -> dict[str, set[int]]:
    """The lines that diffs in a result show, old and new numbers alike, by file."""
    found: dict[str, set[int]] = {}
    path, before = "", 0
    hunk = _Sides({})
    for number, text in lines.items():
        if named := _CHANGED.match(text):
            path, hunk = named[1] or named[2], _Sides({})
        elif path and (head := _HUNK.match(text)):
            hunk = _Sides({"+": _span(head[1], head[2]), "-": _span(head[3], head[4])})
        elif number == before + 1:
            found.setdefault(path, set()).update(hunk.taken(text[:1]))
        else:
            hunk = _Sides({})
        before = number
    return {path: numbers for path, numbers in found.items() if numbers}


@dataclass(frozen=True)
class _Sides:
    """What is left of a hunk: the numbers to come, by the mark of lines not on that side."""

    left: dict[str, Iterator[int]]

    def taken(self, mark: str) -> Iterator[int]:
        """The numbers of the next line, which has that mark, on the sides where it is."""
        for other, numbers in self.left.items():
            if mark != other:
                yield from islice(numbers, 1)


def _span(first: str, count: str | None) -> Iterator[int]:
    return iter(range(int(first), int(first) + int(count or 1)))


def _in_trace(place: Place, sources: Mapping[str, Source], *, known: Known) -> bool:
    folder, _, name = place.path.strip().replace("\\", "/").rpartition("/")
    if not name:
        return False
    line = r"\d+" if place.line is None else str(place.line)
    frame = re.compile(
        rf"{_ahead_of(name, folder, sources=sources)}{re.escape(name)}"
        rf"[\"']?(?::(?:line )?|\(|#L|,? (?:on )?line ){line}(?!\d)"
    )
    lines = texts(sources, known, but_not_naming=name)
    return any(name in text and frame.search(text.replace("\\", "/")) for text in lines)


def _ahead_of(name: str, folder: str, *, sources: Mapping[str, Source]) -> str:
    """What must stand ahead of a file's name in a stack trace, as a pattern."""
    if not folder or not _COMMON.match(name):
        return r"(?<![\w-])"
    parent = rf"(?<![\w-]){re.escape(folder.rpartition('/')[2])}/"
    shown = any(matches(f"{folder}/{name}", path) for path, _, _ in _shown(sources))
    return rf"(?:{parent}|{_BEFORE}/?{_IMAGE})" if shown else parent


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers as ranges, such as `lines 1-40, 80`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [f"{a}-{b}" if b > a else str(a) for a, b in runs[:_MOST_TOLD]]
    return f"lines {', '.join(told)}" if told else "without line numbers"
