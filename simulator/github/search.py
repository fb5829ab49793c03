"""Code search as GitHub's REST API does it: whole words, within named repositories."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.github.answers import invalid_search
from simulator.github.repository import Entry, Repository

LARGEST_INDEXED_BYTES = 384 * 1024
LONGEST_TERMS = 256
_MOST_OPERATORS = 5
_FRAGMENT_LINES = 2
_QUALIFIERS = {
    "repo",
    "org",
    "user",
    "path",
    "extension",
    "filename",
    "language",
    "in",
    "size",
    "fork",
}
_SCOPES = {"repo", "org", "user"}
_EXTENSIONS = {
    "c#": "cs",
    "csharp": "cs",
    "go": "go",
    "python": "py",
    "javascript": "js",
    "java": "java",
    "yaml": "yaml",
    "markdown": "md",
}
_WORD = re.compile(r"\w+")
Json = dict[str, object]


@dataclass
class Query:
    """A search taken apart: terms that a file must all hold, and qualifiers by name."""

    terms: list[str] = field(default_factory=list)
    qualifiers: dict[str, list[str]] = field(default_factory=dict)


def read_query(text: str | None) -> Query:
    """The query. Raises Refused (422) in GitHub's words when it cannot be searched for."""
    if not text or not text.strip():
        raise invalid_search("missing")
    query = Query()
    for word in _query_words(text):
        name, colon, value = word.partition(":")
        if colon and name.lower() in _QUALIFIERS:
            query.qualifiers.setdefault(name.lower(), []).append(value.strip('"'))
        else:
            query.terms.append(word)
    _check(query)
    query.terms = [term for term in query.terms if term != "AND"]
    return query


def _check(query: Query) -> None:
    for word in ("OR", "NOT"):
        if word in query.terms:
            raise invalid_search("invalid", f"{word} is not supported in a code search here")
    if query.terms.count("AND") > _MOST_OPERATORS:
        raise invalid_search("invalid", "More than five AND / OR / NOT operators were used.")
    if sum(map(len, query.terms)) > LONGEST_TERMS:
        raise invalid_search("invalid", "The search is longer than 256 characters.")
    if not _SCOPES & query.qualifiers.keys():
        raise invalid_search(
            "invalid", "Must include at least one user, organization, or repository"
        )
    if not any(_words(term) for term in query.terms):
        raise invalid_search("invalid", "Must include at least one search term")


def search_code(repository: Repository, query: Query) -> list[Entry]:
    """The files that match, by path. Raises Refused (422) when the scope names nothing visible."""
    name = repository.setup.name.lower()
    owner = name.partition("/")[0]
    scope = [repo.lower() == name for repo in query.qualifiers.get("repo", [])]
    for kind in ("user", "org"):
        scope += [account.lower() == owner for account in query.qualifiers.get(kind, [])]
    if not any(scope):
        raise invalid_search(
            "invalid",
            "The listed users and repositories cannot be searched either because the resources do "
            "not exist or you do not have permission to view them.",
        )
    entries = (entry for entry in repository.entries.values() if _is_wanted(entry, query))
    return sorted(entries, key=lambda entry: entry.path)


def text_matches(entry: Entry, query: Query, *, address: str) -> list[Json]:
    """The fragments of a file in which the terms stand, with the places of each."""
    content = (entry.content or b"").decode()
    found: list[Json] = []
    for term in query.terms:
        match = _pattern(term).search(content)
        if match is None:
            continue
        start, end = _fragment(content, match.start(), end=match.end())
        fragment = content[start:end]
        places: list[Json] = [
            {"text": hit.group(0), "indices": [hit.start(), hit.end()]}
            for hit in _pattern(term).finditer(fragment)
        ]
        found.append(
            {
                "object_url": address,
                "object_type": "FileContent",
                "property": "content",
                "fragment": fragment,
                "matches": places,
            }
        )
    return found


def _query_words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=False, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise invalid_search("invalid", "The search has a quote without its end.") from error


def _is_wanted(entry: Entry, query: Query) -> bool:
    if entry.content is None or len(entry.content) > LARGEST_INDEXED_BYTES:
        return False
    for name, check in _CHECKS.items():
        values = query.qualifiers.get(name, [])
        if not all(check(entry, value.lower()) for value in values):
            return False
    places = _searched_text(entry, query)
    return all(_pattern(term).search(places) for term in query.terms)


def _searched_text(entry: Entry, query: Query) -> str:
    places = {part for value in query.qualifiers.get("in", ["file"]) for part in value.split(",")}
    text = (entry.content or b"").decode() if "file" in places else ""
    return f"{text}\n{entry.path}" if "path" in places else text


def _is_below(path: str, wanted: str) -> bool:
    folder = wanted.strip("/")
    if not folder:
        return "/" not in path
    return path.lower() == folder or path.lower().startswith(f"{folder}/")


def _has_extension(entry: Entry, wanted: str) -> bool:
    return entry.name.rpartition(".")[2].lower() == wanted.lstrip(".")


def _has_name(entry: Entry, wanted: str) -> bool:
    return entry.name.lower() == wanted


def _is_written_in(entry: Entry, wanted: str) -> bool:
    return _has_extension(entry, _EXTENSIONS.get(wanted, wanted))


_CHECKS: dict[str, Callable[[Entry, str], bool]] = {
    "path": lambda entry, wanted: _is_below(entry.path, wanted),
    "extension": _has_extension,
    "filename": _has_name,
    "language": _is_written_in,
}


def _words(term: str) -> list[str]:
    return [str(word) for word in _WORD.findall(term)]


def _pattern(term: str) -> re.Pattern[str]:
    # Punctuation is not indexed: words that follow each other match whatever stands between them.
    words = [re.escape(word) for word in _words(term)]
    return re.compile(r"\b" + r"\W+".join(words) + r"\b", re.IGNORECASE)


def _fragment(content: str, start: int, *, end: int) -> tuple[int, int]:
    for _ in range(_FRAGMENT_LINES + 1):
        start = content.rfind("\n", 0, max(start - 1, 0)) + 1
        after = content.find("\n", end + 1)
        end = len(content) if after < 0 else after
    return start, end
