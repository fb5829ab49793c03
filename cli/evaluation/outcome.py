"""A whole evaluation, however it ended, and what a script learns from its exit code."""

from pydantic import Field

from bus.events import Value
from cli.evaluation.baseline import Comparison
from cli.evaluation.jobs import ORDER
from cli.evaluation.scorecard import KINDS, Card, Scored, card, of_kind, players_of, ranked

FINE, WORSE, USAGE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130


class Unread(Value):
    """A case that could not be read, and why."""

    case: str
    sentence: str


class Evaluation(Value):
    """What was run, with which result."""

    seed: int
    scripted: bool
    scored: tuple[Scored, ...]
    unread: tuple[Unread, ...] = ()
    left_out: dict[str, str] = Field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    interrupted: bool = False

    @property
    def cards(self) -> list[Card]:
        """One for each player, the best first."""
        return ranked(card(player, self._of(player)) for player in players_of(self.scored))

    @property
    def misranked(self) -> str:
        """What is wrong with the order of the scripted models, else empty."""
        order = [each.player for each in self.cards]
        if not self.scripted or set(order) != set(ORDER) or order == list(ORDER):
            return ""
        return f"the scripted models rank {', '.join(order)}; they must rank {', '.join(ORDER)}"

    @property
    def exit_code(self) -> int:
        """0 fine, 1 worse than the baseline or misranked, 3 not everything was run."""
        if self.interrupted:
            return INTERRUPTED
        if self.misranked or any(each.worse for each in self.comparisons):
            return WORSE
        return INCOMPLETE if self.unread or self.left_out else FINE

    def described(self) -> dict[str, object]:
        """The same as JSON values; steps stand in the report only."""
        kinds = {
            each.player: {
                kind: card(each.player, part).model_dump(mode="json")
                for kind in KINDS
                if (part := of_kind(self._of(each.player), kind))
            }
            for each in self.cards
        }
        return {
            "seed": self.seed,
            "scripted": self.scripted,
            "order": [each.player for each in self.cards],
            "cards": [each.model_dump(mode="json") for each in self.cards],
            "kinds": kinds,
            "incidents": [each.model_dump(mode="json", exclude={"steps"}) for each in self.scored],
            "unread": [each.model_dump(mode="json") for each in self.unread],
            "left_out": self.left_out,
            "baseline": [
                each.model_dump(mode="json") | {"worse": each.worse} for each in self.comparisons
            ],
            "interrupted": self.interrupted,
            "exit_code": self.exit_code,
        }

    def _of(self, player: str) -> list[Scored]:
        return [each for each in self.scored if each.player == player]
