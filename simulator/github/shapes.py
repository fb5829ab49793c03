"""Files, trees, commits and the repository as JSON, with the links that clients follow."""

import base64
from datetime import datetime

from simulator.github.repository import Entry, Repository, committed_at, person_of
from simulator.scenario import CommitSetup

Json = dict[str, object]

_LARGEST_CONTENT_BYTES = 1024 * 1024
_WEB = "https://github.com"


class Shapes:
    """Builds answers about one repository; `base` is the API's address without a final slash."""

    def __init__(self, repository: Repository, base: str, *, now: datetime) -> None:
        self._repository = repository
        self._name = repository.setup.name
        self._api = f"{base}/repos/{self._name}"
        self._web = f"{_WEB}/{self._name}"
        self._now = now

    def repository(self) -> Json:
        """The repository itself."""
        owner, _, name = self._name.partition("/")
        return {
            "id": 1,
            "node_id": "R_simulator",
            "name": name,
            "full_name": self._name,
            "private": True,
            "owner": _account(owner) | {"type": "Organization"},
            "html_url": self._web,
            "description": None,
            "fork": False,
            "url": self._api,
            "default_branch": self._repository.setup.default_branch,
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "permissions": {"admin": False, "push": False, "pull": True},
        }

    def entry(self, entry: Entry, ref: str) -> Json:
        """A file or folder as it stands in a listing."""
        address = f"{self._api}/contents/{entry.path}?ref={ref}"
        kind = "blob" if entry.is_file else "tree"
        git = f"{self._api}/git/{kind}s/{entry.sha}"
        page = f"{self._web}/{kind}/{ref}/{entry.path}"
        raw = f"https://raw.githubusercontent.com/{self._name}/{ref}/{entry.path}"
        return {
            "name": entry.name,
            "path": entry.path,
            "sha": entry.sha,
            "size": len(entry.content or b""),
            "url": address,
            "html_url": page,
            "git_url": git,
            "download_url": raw if entry.is_file else None,
            "type": "file" if entry.is_file else "dir",
            "_links": {"self": address, "git": git, "html": page},
        }

    def file(self, entry: Entry, ref: str) -> Json:
        """A file with its text; above one megabyte without, as GitHub does."""
        content = entry.content or b""
        if len(content) > _LARGEST_CONTENT_BYTES:
            return self.entry(entry, ref) | {"content": "", "encoding": "none"}
        return self.entry(entry, ref) | {"content": _wrapped(content), "encoding": "base64"}

    def blob(self, entry: Entry) -> Json:
        """A file by its git name."""
        content = entry.content or b""
        return {
            "sha": entry.sha,
            "node_id": f"B_{entry.sha[:12]}",
            "size": len(content),
            "url": f"{self._api}/git/blobs/{entry.sha}",
            "content": _wrapped(content),
            "encoding": "base64",
        }

    def tree(self, sha: str, folder: Entry, *, recursive: bool) -> Json:
        """What lies in a folder, or everything below it; paths are relative to it."""
        inside = self._repository.children(folder.path)
        if recursive:
            prefix = f"{folder.path}/" if folder.path else ""
            known = self._repository.entries.items()
            inside = [entry for path, entry in known if path and path.startswith(prefix)]
            inside.sort(key=lambda entry: entry.path)
        start = len(folder.path) + 1 if folder.path else 0
        rows = [self._tree_row(entry, entry.path[start:]) for entry in inside]
        address = f"{self._api}/git/trees/{sha}"
        return {"sha": folder.sha, "url": address, "tree": rows, "truncated": False}

    def _tree_row(self, entry: Entry, path: str) -> Json:
        kind = "blob" if entry.is_file else "tree"
        row: Json = {"path": path, "mode": entry.mode, "type": kind, "sha": entry.sha}
        if entry.content is not None:
            row["size"] = len(entry.content)
        return row | {"url": f"{self._api}/git/{kind}s/{entry.sha}"}

    def commit(self, commit: CommitSetup) -> Json:
        """A commit as it stands in a list."""
        person = self._person(commit)
        sha = commit.sha
        tree = self._repository.entries[""].sha
        return {
            "sha": sha,
            "node_id": f"C_{sha[:12]}",
            "commit": {
                "author": person,
                "committer": person,
                "message": commit.message,
                "tree": {"sha": tree, "url": f"{self._api}/git/trees/{tree}"},
                "url": f"{self._api}/git/commits/{sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                },
            },
            "url": f"{self._api}/commits/{sha}",
            "html_url": f"{self._web}/commit/{sha}",
            "comments_url": f"{self._api}/commits/{sha}/comments",
            # No account of GitHub's belongs to a scenario's authors.
            "author": None,
            "committer": None,
            "parents": self._parents(commit),
        }

    def full_commit(self, commit: CommitSetup) -> Json:
        """A commit with its files, and their patches where the scenario holds them."""
        files = [self._changed(commit, path) for path in commit.paths]
        added = sum(int(str(file["additions"])) for file in files)
        removed = sum(int(str(file["deletions"])) for file in files)
        stats = {"total": added + removed, "additions": added, "deletions": removed}
        return self.commit(commit) | {"stats": stats, "files": files}

    def _changed(self, commit: CommitSetup, path: str) -> Json:
        patch = commit.patches.get(path, "")
        lines = patch.splitlines()
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        entry = self._repository.entries.get(path)
        row: Json = {
            "sha": entry.sha if entry else None,
            "filename": path,
            "status": "added" if lines and lines[0].startswith("@@ -0,0") else "modified",
            "additions": added,
            "deletions": removed,
            "changes": added + removed,
            "blob_url": f"{self._web}/blob/{commit.sha}/{path}",
            "raw_url": f"{self._web}/raw/{commit.sha}/{path}",
            "contents_url": f"{self._api}/contents/{path}?ref={commit.sha}",
        }
        return row | ({"patch": patch} if patch else {})

    def _parents(self, commit: CommitSetup) -> list[Json]:
        commits = self._repository.setup.commits
        index = [known.sha for known in commits].index(commit.sha)
        return [
            {
                "sha": parent.sha,
                "url": f"{self._api}/commits/{parent.sha}",
                "html_url": f"{self._web}/commit/{parent.sha}",
            }
            for parent in commits[index + 1 : index + 2]
        ]

    def _person(self, commit: CommitSetup) -> Json:
        name, email = person_of(commit)
        return {"name": name, "email": email, "date": committed_at(commit, self._now)}

    def ref(self) -> Json:
        """The default branch as a git reference."""
        name = f"refs/heads/{self._repository.setup.default_branch}"
        tip = self._repository.tip()
        target = {"type": "commit", "sha": tip, "url": f"{self._api}/git/commits/{tip}"}
        address = f"{self._api}/git/{name}"
        return {"ref": name, "node_id": "REF_simulator", "url": address, "object": target}

    def branch(self) -> Json:
        """The default branch with the commit it points to."""
        commit = self._repository.find_commit("HEAD")
        shown = self.commit(commit) if commit else {"sha": self._repository.tip()}
        name = self._repository.setup.default_branch
        return {"name": name, "commit": shown, "protected": True}


def _account(login: str) -> Json:
    return {"login": login, "id": 1, "type": "User", "url": f"{_WEB}/{login}"}


def _wrapped(content: bytes) -> str:
    # GitHub breaks base64 after 60 letters and ends it with a line break.
    text = base64.b64encode(content).decode()
    return "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))
