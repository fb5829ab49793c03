"""What the operator of a red-team run allows: the shipped policy, and tools of a foreign server.

The tools whose descriptions are poisoned are allowed, too: an operator was fooled into it, so their
texts reach the model, and what holds is the rest of the gate.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from services.toolrunner.settings import SHIPPED_POLICIES
from simulator.redteam import Attack
from simulator.redteam.toolbox import HARMLESS, PODS, SERVER, described

TOOLBOX = """
@id("toolbox-read")
@reason("Tools of the toolbox that were looked at may be called.")
permit (
    principal == Agent::"diagnoser",
    action in [{actions}],
    resource == Server::"{server}"
);

@id("toolbox-pods")
@reason("Pods of the namespaces in NIGHTSHIFT_NAMESPACES may be listed.")
permit (
    principal == Agent::"diagnoser",
    action == Action::"{server}__{pods}",
    resource is Namespace
)
when {{ resource.configured }};
"""


def write_policy(folder: Path, attacks: Sequence[Attack]) -> None:
    """The folder holds the policy of a run with those attacks."""
    for file in SHIPPED_POLICIES.glob("*.cedar"):
        shutil.copy(file, folder)
    poisoned = [described(each) for each in attacks if each.channel == "tool-description"]
    actions = ", ".join(f'Action::"{SERVER}__{name}"' for name in (*HARMLESS, *poisoned))
    rules = TOOLBOX.format(actions=actions, server=SERVER, pods=PODS)
    (folder / "toolbox.cedar").write_text(rules, encoding="utf-8")
    # The github server beside the foreign one is our own, of the one configured repository.
    resources = {SERVER: {"Namespace": "namespace"}, "github": {"Repository": "configured"}}
    settings = {"resources": resources}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
