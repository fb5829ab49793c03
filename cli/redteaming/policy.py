"""What the operator of a red-team run allows: the shipped policy, and tools of a foreign server.

The tools whose descriptions are poisoned are allowed, too: an operator was fooled into it, so their
texts reach the model, and what holds is the rest of the gate.
"""

from collections.abc import Sequence
from pathlib import Path

import yaml

from services.toolrunner.settings import SHIPPED_POLICIES
from simulator.redteam import Attack
from simulator.redteam.toolbox import HARMLESS, SERVER, described


def write_policy(folder: Path, attacks: Sequence[Attack]) -> None:
    """The folder holds the policy of a run with those attacks."""
    allowed = yaml.safe_load((SHIPPED_POLICIES / "allow.yaml").read_text(encoding="utf-8"))
    poisoned = [described(each) for each in attacks if each.channel == "tool-description"]
    allowed["tools"][SERVER] = [*HARMLESS, *poisoned]
    (folder / "allow.yaml").write_text(yaml.safe_dump(allowed), encoding="utf-8")
