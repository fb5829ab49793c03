"""Each service's environment and settings, as far as they are known here."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bus.errors import NotConfigured
from bus.settings import BusSettings, load, variable_of
from cli import where
from cli.doctor.finding import Finding, fail, ok, warn

SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
SERVERS = "services.toolrunner.servers.settings"
NOT_HERE = "set them here, or run the doctor where it runs"


@dataclass(frozen=True)
class Known:
    """A service's environment, and whether somebody asked for this service by name."""

    service: str
    variables: Mapping[str, str]
    is_wanted: bool

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, this is the environment of the process."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def environments(wanted: Sequence[str]) -> list[Known]:
    """The environment of each service: this shell's, or that of the `nightshift up` in this folder.

    A shell that holds every credential may hold Slack's token too, which ingest itself refuses.
    """
    found = []
    for service in wanted or SERVICES:
        variables = _of_stack(service) or dict(os.environ)
        if service == "ingest" and not wanted:
            variables.pop("SLACK_BOT_TOKEN", None)
        found.append(Known(service, variables, is_wanted=bool(wanted)))
    return found


def settings_of(known: Known) -> list[tuple[type[BaseSettings], BaseSettings | str]]:
    """The settings classes of a service, each with its values or with what is wrong."""
    kinds = [_kind(f"services.{known.service}.settings", "Settings")]
    variables = dict(known.variables)
    if known.service == "toolrunner":
        kinds.append(_kind(SERVERS, "ServersSettings"))
        # The toolrunner draws one where none is given.
        variables.setdefault("NIGHTSHIFT_SERVERS_TOKEN", "drawn-at-the-start")
    found: list[tuple[type[BaseSettings], BaseSettings | str]] = []
    with Known(known.service, variables, known.is_wanted).applied():
        for kind in kinds:
            try:
                found.append((kind, load(kind)))
            except NotConfigured as error:
                found.append((kind, str(error).removeprefix("settings: ")))
    return found


def check_settings(known: Known) -> list[Finding]:
    """Whether the service would start with these settings, and which of them are set."""
    found = []
    for kind, values in settings_of(known):
        own = [name for name in kind.model_fields if name not in BusSettings.model_fields]
        given = [name for name in own if known.variables.get(variable_of(kind, name))]
        part = " servers" if kind.__module__ == SERVERS else ""
        check = f"settings {known.service}{part}"
        if isinstance(values, str):
            is_problem = bool(given) or known.is_wanted
            finding = fail(check, values, advice=NOT_HERE)
            found.append(finding if is_problem else _not_here(known.service, values))
        else:
            shown = ", ".join(_shown(kind, values, name=name) for name in given)
            found.append(ok(check, shown or "defaults only"))
    return found


def _not_here(service: str, what: str) -> Finding:
    advice = f"{NOT_HERE}: `nightshift doctor {service}`"
    return warn(f"settings {service}", f"nothing of it is set here ({what})", advice=advice)


def _shown(kind: type[BaseSettings], values: BaseSettings, *, name: str) -> str:
    value = getattr(values, name)
    is_secret = isinstance(value, SecretStr) or "SecretStr" in str(
        kind.model_fields[name].annotation
    )
    return f"{variable_of(kind, name)}={'(set)' if is_secret else value}"


def _kind(module: str, name: str) -> type[BaseSettings]:
    kind: type[BaseSettings] = getattr(import_module(module), name)
    return kind


def _of_stack(service: str) -> dict[str, str]:
    """What `nightshift up` in this folder gives to a service; empty where none is meant."""
    running = where.running()
    if os.environ.get("REDIS_URL") or not running:
        return {}
    try:
        text = (Path(running["logs"]) / "simulator.json").read_text(encoding="utf-8")
        shared: dict[str, dict[str, str]] = json.loads(text)["environment"]
    except (OSError, ValueError, KeyError):
        return {}
    from cli.stack import OUTSIDE  # with the simulator, which an image of a service lacks

    own = {name: text for name, text in os.environ.items() if not name.startswith(OUTSIDE)}
    if service == "reasoner" and not shared.get("reasoner"):
        own |= {name: text for name, text in os.environ.items() if name.startswith("ANTHROPIC_")}
    given = shared.get("all", {}) | shared.get(service, {})
    return own | given | {"REDIS_URL": running["redis_url"]}
