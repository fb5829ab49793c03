"""Which incident belongs to which case: told to the simulator before any of them opens."""

import json
from collections.abc import Mapping
from pathlib import Path

from bus.tracing import root_of
from simulator.cases.folder import Case, read_case


class Cast:
    """The cases by incident, and by the trace in which an incident's tool calls arrive."""

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self._cases = dict(cases)
        self._traces = {root_of(incident).trace_id: case for incident, case in cases.items()}

    def of_incident(self, incident: str) -> Case | None:
        """The case that an incident plays."""
        return self._cases.get(incident)

    def of_traceparent(self, traceparent: str) -> Case | None:
        """The case of the incident in whose trace a request was made."""
        parts = traceparent.split("-")
        return self._traces.get(parts[1]) if len(parts) == 4 else None


def write_cast(file: Path, folders: Mapping[str, Path]) -> None:
    """The file names the case folder of every incident."""
    named = {incident: str(folder) for incident, folder in folders.items()}
    file.write_text(json.dumps(named), encoding="utf-8")


def read_cast(file: Path) -> Cast:
    """The cast in that file. Raises ValueError, OSError or CaseError where it cannot be used."""
    named: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    cases = {folder: read_case(Path(folder)) for folder in set(named.values())}
    return Cast({incident: cases[folder] for incident, folder in named.items()})
