"""Reading scenarios from their files, with the base world that a file names laid under it."""

import json
from collections.abc import Hashable
from pathlib import Path

import yaml
from pydantic import ValidationError

from simulator.scenario.overlay import Raw, laid_over
from simulator.scenario.problems import problems_of
from simulator.scenario.setups import Scenario, ScenarioError

SCENARIOS = Path(__file__).parent.parent / "scenarios"
BASES = SCENARIOS / "bases"
_MAP, _TEXT = "tag:yaml.org,2002:map", "tag:yaml.org,2002:str"
_MOST_BYTES = 1_000_000
_MOST_PROBLEMS = 30
_FROM_BASE = ("ClusterSetup", "RepositorySetup", "WorkloadSetup", "LogSetup", "MetricSetup")


def scenario_names() -> list[str]:
    """The names of the shipped scenarios, sorted."""
    return _names(SCENARIOS)


def load_scenario(name: str) -> Scenario:
    """The scenario of that name, or of that file when `name` ends in .yaml.

    Raises ScenarioError with the file, the field and the reason when it cannot be used.
    """
    if name.endswith(".yaml"):
        path = Path(name)
        if not path.is_file():
            what = "is no regular file" if path.exists() else "there is no such file"
            raise ScenarioError(f"{name}: {what}")
        return read_scenario(path)
    path = SCENARIOS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(scenario_names()) or "none"
        raise ScenarioError(f"no scenario {name!r}: there is {known}, or give a .yaml file")
    return read_scenario(path)


def read_scenario(path: Path) -> Scenario:
    """The scenario that stands in the file. Raises ScenarioError with a line for each problem."""
    raw = _read(path)
    base = raw.pop("base", None)
    if base is not None:
        raw = laid_over(_read(_base(path, base)), raw)
    _newest_is_the_revision(raw)
    try:
        # As JSON, because only there a list is a tuple and a text a duration, and nothing else is.
        scenario = Scenario.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        problems = problems_of(error, raw)
        lines = [f"{path.name}: {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            lines.append(f"{path.name}: and {len(problems) - _MOST_PROBLEMS:,} more problems")
        raise ScenarioError("\n".join(lines)) from error
    if scenario.name != path.stem:
        raise ScenarioError(f"{path.name}: name is {scenario.name!r}, the file says {path.stem!r}")
    return scenario


def schema() -> Raw:
    """The JSON Schema of a scenario's file, for editors: what a base may say is not required."""
    found: Raw = Scenario.model_json_schema()
    parts, properties = found["$defs"], found["properties"]
    if isinstance(parts, dict) and isinstance(properties, dict):
        for name in _FROM_BASE:
            parts[name].pop("required", None)
        properties["base"] = {"enum": _names(BASES), "description": "The world it is laid over."}
        found["required"] = ["name", "title", "service", "symptom", "alarm", "script", "expected"]
    return found


class _Loader(yaml.SafeLoader):
    """Reads plain YAML and refuses what a scenario does not need and what would surprise.

    That is a key that stands twice, of which YAML would keep the last; a key that is no text; a
    tag; and an alias, by which a few lines can stand for more than any memory holds.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.check_event()
        begins, words = self.current_event, ""
        if isinstance(begins, yaml.AliasEvent):
            words = f"the alias *{begins.anchor} is not allowed; write what it stands for"
        elif getattr(begins, "tag", None):
            words = f"the tag {begins.tag} is not allowed; write plain values"
        if words:
            raise yaml.constructor.ConstructorError(None, None, words, begins.start_mark)
        found: yaml.Node | None = super().compose_node(parent, index)
        return found

    def _only_once(self, node: yaml.MappingNode) -> dict[Hashable, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            words = ""
            if key.tag != _TEXT:
                words = "a key must be a text; write it in quotes"
            elif key.value in seen:
                words = f"the key {key.value!r} stands twice in one mapping"
            if words:
                raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
            seen.add(key.value)
        return self.construct_mapping(node, deep=True)


_Loader.add_constructor(_MAP, _Loader._only_once)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _read(path: Path) -> Raw:
    text = _text(path)
    try:
        # The loader is a safe one: it makes nothing but plain values.
        raw = _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        words = " ".join((getattr(error, "problem", None) or str(error)).split())
        raise ScenarioError(f"{path.name}{line}: not valid YAML: {words}") from error
    except ValueError as error:  # a date or a number that there is not
        raise ScenarioError(f"{path.name}: not valid YAML: {error}") from error
    except RecursionError:
        raise ScenarioError(f"{path.name}: is nested too deeply") from None
    if not isinstance(raw, dict):
        raise ScenarioError(f"{path.name}: must be a mapping that begins with name:, title: …")
    return raw


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ScenarioError(f"{path.name}: is longer than {_MOST_BYTES:,} bytes")
        return content.decode()
    except UnicodeDecodeError as error:
        sentence = f"is not UTF-8 text: {error.reason} at byte {error.start:,}"
        raise ScenarioError(f"{path.name}: {sentence}") from None
    except OSError as error:
        raise ScenarioError(f"{path.name}: cannot be read: {error.strerror}") from None


def _base(path: Path, name: object) -> Path:
    known = _names(BASES)
    if name not in known:
        raise ScenarioError(f"{path.name}: base: {name!r} is not one of {', '.join(known)}")
    return BASES / f"{name}.yaml"


def _newest_is_the_revision(raw: Raw) -> None:
    """The texts of the files are those of the newest commit, unless the file says otherwise."""
    repository = raw.get("repository")
    if not isinstance(repository, dict) or "revision" in repository:
        return
    commits = repository.get("commits")
    if isinstance(commits, list) and commits and isinstance(commits[0], dict):
        raw["repository"] = repository | {"revision": commits[0].get("sha")}
