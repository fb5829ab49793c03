"""The repository's objects: blobs and trees under their true git names, commits, refs."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.diffs import DiffError, applied, unapplied
from simulator.github.answers import Refused, not_found
from simulator.scenario import CommitSetup, RepositorySetup

_SHORTEST_SHA = 7
_AUTHOR = re.compile(r"(?P<name>[^<]+?)\s*<(?P<email>[^>]+)>")
_FILE_MODE, _FOLDER_MODE = "100644", "040000"


@dataclass(frozen=True)
class Entry:
    """A file (`content` set) or a folder, at its path."""

    path: str
    sha: str
    content: bytes | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.content is not None

    @property
    def mode(self) -> str:
        """Its mode in a git tree."""
        return _FILE_MODE if self.is_file else _FOLDER_MODE


class Repository:
    """What the scenario says about the repository, ready to be asked.

    A text is known at `revision`. It is served at a branch, at `revision`, and at any commit from
    which patches lead there and back; where a commit between them touched the file and its patch is
    not known, or makes no sense, it is not found.
    """

    def __init__(self, setup: RepositorySetup) -> None:
        self.setup = setup
        self.entries = _entries(setup.files)

    def find_commit(self, ref: str) -> CommitSetup | None:
        """The commit of a sha, of its first seven or more digits, of a branch, tag, or HEAD."""
        commits = self.setup.commits
        ref = self.setup.tags.get(ref.removeprefix("refs/").removeprefix("tags/"), ref)
        if self.is_branch(ref):
            return commits[0] if commits else None
        if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_SHA},40}}", ref):
            return None
        found = [commit for commit in commits if commit.sha.startswith(ref)]
        return found[0] if len(found) == 1 else None

    def is_branch(self, ref: str) -> bool:
        """Whether the name is the default branch, the only one, or HEAD."""
        branch = self.setup.default_branch
        return ref in ("HEAD", branch, f"heads/{branch}", f"refs/heads/{branch}")

    def tip(self) -> str:
        """The sha that the default branch points to."""
        return self.setup.commits[0].sha if self.setup.commits else self.setup.revision

    def entry(self, path: str, ref: str) -> Entry:
        """The file or folder at `ref`. Raises Refused (404) when it is not known there."""
        found = self.entries.get(path)
        if not (self.is_branch(ref) or self._is_revision(ref)):
            commit = self.find_commit(ref)
            if commit is None:
                raise Refused(404, f"No commit found for the ref {ref}")
            found = self._at(commit, found) if found is not None else None
        if found is None:
            raise not_found()
        return found

    def children(self, folder: str) -> list[Entry]:
        """What lies directly in a folder, by name."""
        inside = [
            entry
            for path, entry in self.entries.items()
            if path and path.rpartition("/")[0] == folder
        ]
        return sorted(inside, key=lambda entry: entry.name)

    def history(self, path: str, tip: CommitSetup | None = None) -> list[CommitSetup]:
        """The commits up to `tip` that touched a file or anything in a folder, newest first."""
        path, commits = path.strip("/"), self.setup.commits
        return [
            commit
            for commit in (commits if tip is None else commits[commits.index(tip) :])
            if not path
            or any(touched == path or touched.startswith(f"{path}/") for touched in commit.paths)
        ]

    def undone(self, commit: CommitSetup, path: str) -> bool:
        """Whether the commit's patch can be taken back from the file's text as it was there."""
        try:
            content = self.entry(path, commit.sha).content or b""
            unapplied(content.decode(), commit.patches[path])
        except (Refused, DiffError):
            return False
        return True

    def _is_revision(self, ref: str) -> bool:
        return len(ref) >= _SHORTEST_SHA and self.setup.revision.startswith(ref)

    def _at(self, commit: CommitSetup, entry: Entry) -> Entry | None:
        """The entry as it was, or became, at a commit; None where that is not known."""
        commits = self.setup.commits
        here = commits.index(commit)
        shas = [known.sha for known in commits]
        known_at = shas.index(self.setup.revision) if self.setup.revision in shas else 0
        between = commits[min(here, known_at) : max(here, known_at)]
        if entry.content is None:
            return None if any(entry.path in other.paths for other in between) else entry
        text, is_older = entry.content.decode(), here > known_at
        try:
            for other in between if is_older else reversed(between):
                if entry.path in other.paths:
                    change = unapplied if is_older else applied
                    text = change(text, other.patches.get(entry.path, ""))
        except DiffError:
            return None
        content = text.encode()
        return Entry(entry.path, _git_name("blob", content), content) if content else None


def committed_at(commit: CommitSetup, now: datetime) -> str:
    """When the commit was made, in UTC in whole seconds."""
    return (now - commit.age).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def person_of(commit: CommitSetup) -> tuple[str, str]:
    """Name and address of whoever made the commit; the address is GitHub's where it is not said."""
    match = _AUTHOR.fullmatch(commit.author)
    name = match["name"] if match else commit.author
    login = re.sub(r"\W+", "-", name.lower()).strip("-")
    return name, match["email"] if match else f"{login}@users.noreply.github.com"


def is_in_window(commit: CommitSetup, now: datetime, *, since: str, until: str) -> bool:
    """Whether it was made in the window. Raises Refused (422) for a moment that is none."""
    made_at = now - commit.age
    after = not since or made_at >= _moment(since)
    return after and (not until or made_at <= _moment(until) + timedelta(seconds=1))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(422, f"Validation Failed: {text!r} is not a timestamp") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _entries(files: dict[str, str]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    folders = {""}
    for path, text in files.items():
        content = text.encode()
        entries[path] = Entry(path, _git_name("blob", content), content)
        parts = path.split("/")[:-1]
        folders |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
    for folder in sorted(folders, key=_depth, reverse=True):
        inside = [
            entry
            for path, entry in entries.items()
            if path.rpartition("/")[0] == folder and path != folder
        ]
        entries[folder] = Entry(folder, _tree_name(inside))
    return entries


def _depth(folder: str) -> int:
    return len(folder.split("/")) if folder else 0


def _tree_name(inside: list[Entry]) -> str:
    # git sorts a folder as if its name ended in a slash, and writes its mode without the zero.
    ordered = sorted(inside, key=lambda entry: entry.name + ("" if entry.is_file else "/"))
    lines = [
        f"{entry.mode.lstrip('0')} {entry.name}\0".encode() + bytes.fromhex(entry.sha)
        for entry in ordered
    ]
    return _git_name("tree", b"".join(lines))


def _git_name(kind: str, content: bytes) -> str:
    whole = f"{kind} {len(content)}\0".encode() + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()
