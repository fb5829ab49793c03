"""Grade what an investigation of a drill said, as `nightshift eval` would.

    nightshift show INCIDENT --json | python -m deploy.drills.grade memory-limit

Ends with 0 when it is right. The words are looked for, not their meaning (docs/evaluation.md).
"""

import sys
from pathlib import Path

from pydantic import ValidationError

from cli.evaluation.expectation import Expectation, of_answer
from cli.evaluation.scoring import Answer, Score, score
from cli.inside.story import Story
from simulator.cases import ExpectedAnswer

DRILLS = Path(__file__).parent


def expectation(drill: str) -> Expectation:
    """What the diagnosis of that drill should say. Raises OSError or ValidationError."""
    text = (DRILLS / drill / "expected.json").read_text(encoding="utf-8")
    return of_answer(drill, ExpectedAnswer.model_validate_json(text))


def graded(drill: str, shown: str) -> Score:
    """The grade of what `nightshift show --json` printed. Raises as `expectation` does."""
    story = Story.model_validate_json(shown)
    answer = Answer(outcome=story.outcome or "", reason=story.reason, diagnosis=story.diagnosis)
    return score(expectation(drill), answer)


def main(words: list[str]) -> int:
    """Prints the grade of standard input; 2 where there is no such drill or nothing to grade."""
    try:
        (drill,) = words
        found = graded(drill, sys.stdin.read())
    except (ValueError, OSError, ValidationError) as error:
        sys.stderr.write(f"say the name of one drill, and give it `show --json`: {error}\n")
        return 2
    sys.stdout.write("\n".join([found.label, *found.reasons]) + "\n")
    return 0 if found.grade == "right" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
