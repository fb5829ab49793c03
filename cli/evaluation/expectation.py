"""What a good answer to a case says, whichever form the case has."""

from bus.events import Value, Verdict
from simulator.cases import Case, ExpectedAnswer
from simulator.scenario import Scenario


class Expectation(Value):
    """The answer that is known, and what sets the case apart."""

    case: str
    origin: str
    """`scenario` or `recorded`."""
    verdict: Verdict
    all_words: tuple[str, ...]
    any_words: tuple[str, ...] = ()
    gap_words: tuple[str, ...] = ()
    """What must be named among the gaps."""
    must_not_claim: tuple[str, ...] = ()
    component: str = ""
    place: str = ""
    """Path of the code to be mended, where that is known."""
    red_herring: bool = False
    note: str = ""
    family: str = ""


def of_case(case: Case) -> Expectation:
    """What `expected.json` asks for."""
    return of_answer(case.name, case.expected)


def of_answer(name: str, expected: ExpectedAnswer) -> Expectation:
    """The same of an `expected.json` that stands alone, as those of deploy/drills do."""
    return Expectation(
        case=name,
        origin="recorded",
        verdict=expected.verdict,
        all_words=expected.root_cause_keywords,
        any_words=expected.any_of_keywords,
        must_not_claim=expected.must_not_claim,
        component=expected.affected_component,
        red_herring=expected.red_herring,
        note=expected.red_herring_note,
        family=expected.service_family,
    )


def of_scenario(scenario: Scenario) -> Expectation:
    """What the scenario asks for; its component is one more word that must be there."""
    expected = scenario.expected
    return Expectation(
        case=scenario.name,
        origin="scenario",
        verdict=expected.verdict,
        all_words=(expected.component, *expected.cause_words),
        gap_words=expected.gap_words,
        must_not_claim=expected.must_not_claim,
        component=expected.component,
        place=expected.fix_location or "",
        red_herring=expected.red_herring,
        family="online-boutique",
    )
