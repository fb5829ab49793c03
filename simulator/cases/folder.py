"""Reading case folders. What is wrong with one is said with its file, and the others are read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from simulator.cases.opening import Opening, opening_of

EXPECTED, TRIGGER, EVIDENCE = "expected.json", "trigger.json", "evidence"
MOST_TRIGGER_CHARACTERS = 250_000
"""A stream entry holds a million, in which a quotation mark may take two."""
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


_WANTED = {
    "missing": "is missing",
    "tuple_type": 'must be a list of texts, such as ["OOMKilled", "memory limit"]',
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": 'must be a mapping, such as {"verdict": "fault", "root_cause_keywords": ["OOM"]}',
    "literal_error": 'must be "fault" or "healthy"',
}


@dataclass(frozen=True)
class Problem:
    """Why a case cannot be used: which file, and what is wrong in it."""

    case: str
    sentence: str


class ExpectedAnswer(BaseModel):
    """What `expected.json` says. Fields that are not known here are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verdict: Literal["fault", "healthy"]
    root_cause_keywords: tuple[Words, ...]
    any_of_keywords: tuple[Words, ...] = ()
    must_not_claim: tuple[Words, ...] = ()
    affected_component: str = ""
    red_herring: bool = False
    red_herring_note: str = ""
    service_family: str = "other"
    tags: tuple[str, ...] = ()


class Case(BaseModel):
    """One recorded incident. `evidence` maps a file's name to its whole text."""

    model_config = ConfigDict(frozen=True)

    name: str
    folder: Path
    expected: ExpectedAnswer
    trigger: str
    opening: Opening
    evidence: dict[str, str] = Field(repr=False)


class CaseError(Exception):
    """A file of a case cannot be used; the text names the file and says why."""


def read_cases(folder: Path) -> tuple[list[Case], list[Problem]]:
    """Every case below `folder` (or `folder` itself) by name, and what is wrong with the others."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in _case_folders(folder):
        try:
            cases.append(read_case(path))
        except CaseError as error:
            problems.append(Problem(path.name, str(error)))
    if not cases and not problems:
        problems.append(Problem(folder.name, f"{folder}: no case folder is in it"))
    return cases, problems


def read_case(folder: Path) -> Case:
    """The case in that folder. Raises CaseError with the first file that cannot be used."""
    folder = folder.resolve()
    expected = _expected(folder / EXPECTED)
    trigger = _json(folder / TRIGGER)
    first = trigger[0] if isinstance(trigger, list) and trigger else trigger
    if not isinstance(first, dict) or not first:
        raise CaseError(f"{folder / TRIGGER}: is no JSON object with anything in it")
    told = json.dumps(trigger, indent=1, ensure_ascii=False)
    if len(told) > MOST_TRIGGER_CHARACTERS:
        most = f"more than {MOST_TRIGGER_CHARACTERS:,}; what is long belongs into {EVIDENCE}"
        raise CaseError(f"{folder / TRIGGER}: has {len(told):,} characters, {most}")
    return Case(
        name=folder.name,
        folder=folder,
        expected=expected,
        trigger=told,
        opening=opening_of(first),
        evidence=_evidence(folder / EVIDENCE),
    )


def _case_folders(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    if (folder / EXPECTED).exists() or (folder / TRIGGER).exists():
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield path


def _expected(file: Path) -> ExpectedAnswer:
    content = _json(file)
    try:
        expected = ExpectedAnswer.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        wanted = _WANTED.get(first["type"], first["msg"])
        raise CaseError(f"{file}: {where}: {wanted}") from None
    if not expected.root_cause_keywords and not expected.any_of_keywords:
        raise CaseError(f"{file}: root_cause_keywords: without a keyword nothing can be scored")
    return expected


def _json(file: Path) -> object:
    try:
        content: object = json.loads(_text(file))
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise CaseError(f"{file}: holds half a character (a lone surrogate)") from None
    except ValueError as error:
        raise CaseError(f"{file}: is not JSON: {error}") from None
    except RecursionError:
        raise CaseError(f"{file}: is nested too deeply") from None
    return content


def _evidence(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise CaseError(f"{folder}: is missing, so there is nothing to look at")
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    if not files:
        raise CaseError(f"{folder}: holds no file, so there is nothing to look at")
    for path in files:
        if not _target(path).is_relative_to(folder):
            raise CaseError(f"{path}: leads out of the case folder")
    return {path.relative_to(folder).as_posix(): _text(path) for path in files}


def _target(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise CaseError(f"{path}: is a link that leads nowhere") from None


def _text(file: Path) -> str:
    try:
        if file.exists() and not file.is_file():
            raise CaseError(f"{file}: is no regular file")
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CaseError(f"{file}: is missing") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{file}: is not UTF-8 text ({error.reason})") from None
    except OSError as error:
        raise CaseError(f"{file}: cannot be read ({error.strerror})") from None
