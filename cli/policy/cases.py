"""Calls with the decision that is expected of a policy: a file of them, and how they went."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from bus.errors import NotConfigured
from bus.events import Value
from cli.policy.trial import Trial
from services.toolrunner.adapters.plain_yaml import plain_yaml
from services.toolrunner.policy import Facts, Scope


class Case(Value):
    """One call. `rule` is the id of a rule that has to be among those that decided."""

    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    expect: Literal["allow", "deny"]
    rule: str = ""
    says: str = ""
    """Words that the model has to be told; a denial of a call that fits no tool needs them."""
    calls_used: int = 0
    calls_allowed: int = 40
    seconds_left: int = 240

    @property
    def facts(self) -> Facts:
        """What the toolrunner would know."""
        return Facts(
            calls_used=self.calls_used,
            calls_allowed=self.calls_allowed,
            seconds_left=self.seconds_left,
        )


class Cases(Value):
    """A file of cases, and what is configured where they are tried."""

    namespaces: tuple[str, ...] = ()
    repository: str = ""
    log_groups: tuple[str, ...] = ()
    calls: tuple[Case, ...] = Field(min_length=1)

    @property
    def scope(self) -> Scope:
        """What the policy is to know as configured."""
        return Scope(self.namespaces, self.repository, self.log_groups)


def load_cases(file: str) -> Cases:
    """The cases of that file. Raises NotConfigured with one sentence."""
    try:
        return Cases.model_validate(plain_yaml(Path(file).read_bytes(), file))
    except OSError as error:
        raise NotConfigured(f"{file} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise NotConfigured(f"{file}: {where}: {first['msg']}") from None


def made_all_the_same(cases: Cases, trial: Trial) -> int:
    """How many calls are denied and would be made: by `log_only`."""
    judged = (trial.judged(one.tool, one.arguments, facts=one.facts) for one in cases.calls)
    return sum(one.decision.verdict == "deny" and not one.decision.refuses for one in judged)


def failures(cases: Cases, trial: Trial) -> Iterator[str]:
    """A line for each case that went otherwise than expected."""
    for number, case in enumerate(cases.calls, start=1):
        judged = trial.judged(case.tool, case.arguments, facts=case.facts)
        decision = judged.decision
        rules = ", ".join(decision.rules) or "no rule"
        words = f"{decision.words} {judged.problem}"
        if case.expect == "deny" and not case.says and (judged.problem or not judged.offered):
            # What was misspelt is denied too, and would stay so whatever the rules became.
            yield f"call {number}, {case.tool}: {words.strip()}; if that is meant, `says` tells it"
            continue
        if (
            decision.verdict != case.expect
            or (case.rule and case.rule not in decision.rules)
            or case.says not in words
        ):
            says = f"saying {case.says!r}" if case.says else ""
            wanted = " ".join(filter(None, [case.expect, case.rule, says]))
            found = f"{decision.verdict} by {rules} ({words.strip()})"
            yield f"call {number}, {case.tool}: {found}, not {wanted}"
