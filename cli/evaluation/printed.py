"""The scorecard as text of 80 columns."""

from collections.abc import Iterator, Sequence

from cli.evaluation.scorecard import KINDS, Card, Scored, card, of_kind, players_of, ranked


def lines(scored: Sequence[Scored]) -> Iterator[str]:
    """A block for each player, the best first, then the order."""
    cards = [
        card(player, [each for each in scored if each.player == player])
        for player in players_of(scored)
    ]
    order = ranked(cards)
    for each in order:
        yield ""
        yield from _block(each, [one for one in scored if one.player == each.player])
    if len(order) > 1:
        yield ""
        yield "order: " + ", ".join(f"{each.player} ({each.points:+d})" for each in order)


def dollars(cost: float | None) -> str:
    """For people; what is not known is not 0."""
    return "unknown" if cost is None else f"${cost:.4f}" if cost < 1 else f"${cost:.2f}"


def _block(whole: Card, scored: Sequence[Scored]) -> Iterator[str]:
    yield f"── {whole.player} " + "─" * max(2, 76 - len(whole.player))
    counts = {
        "right": str(whole.right),
        "wrong": str(whole.grades["wrong"]),
        "honest inconclusive": str(whole.grades["inconclusive"]),
        "no answer": str(whole.grades["no answer"]),
        "false confidence": str(whole.false_confidence),
        "evidence verified": f"{whole.verified} of {whole.quoted} quotes",
        "place in the code": f"{whole.places_named} of {whole.places} named",
        "calls, dollars": f"{whole.calls}, {dollars(whole.cost_usd)}",
        "seconds": f"median {whole.seconds_median:.1f}, most {whole.seconds_most:.1f}",
        "points": f"{whole.points:+d} of {whole.incidents}",
    }
    for name, text in counts.items():
        yield f"{name:<26} {text}"
    for kind in KINDS:
        part = card(whole.player, of_kind(scored, kind))
        if part.incidents:
            yield f"{kind:<26} {part.incidents}: {part.grades_text}"
