"""Names inside the one repository, in their one form, or refused before anything is sent."""

import re

from services.toolrunner.servers.not_read import NotRead

MAX_PATH = 512
_REF = re.compile(
    r"^(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[./]$))(?!refs/(?!heads/|tags/)|pull/)"
    r"[A-Za-z0-9][A-Za-z0-9._/+@-]{0,254}$"
)


def inside(path: str) -> str:
    """The path from the repository's root, which is the empty one. Raises NotRead."""
    if path in ("", "/", ".", "./"):
        return ""
    plain = path.strip(" ").removeprefix("./").removesuffix("/")
    parts = plain.split("/")
    if (
        len(plain) > MAX_PATH
        or plain.startswith("~")
        or any(part in ("", "..", ".") for part in parts)
        or any(character in plain for character in "%\\")
        or not plain.isprintable()
    ):
        raise NotRead(
            f"path must lie in the repository: relative, at most {MAX_PATH} characters, "
            "without '..', '%', '\\' or control characters"
        )
    return plain


def revision(ref: str) -> str:
    """A branch, tag or commit, by its name alone. Raises NotRead."""
    if not _REF.match(ref) or "\n" in ref:
        raise NotRead("ref must be a branch, tag or commit of the repository")
    return ref
