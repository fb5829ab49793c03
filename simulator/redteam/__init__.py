"""A hostile outside world: texts that give orders, a model that obeys them, and whom it may harm.

Who is attacked is the product; who judges is `cli.redteaming`, by the request log of this world.
"""

from simulator.redteam.attack import (
    Attack,
    aimed,
    all_attacks,
    canary_of,
    channels,
    goals,
    templates,
)

__all__ = ["Attack", "aimed", "all_attacks", "canary_of", "channels", "goals", "templates"]
