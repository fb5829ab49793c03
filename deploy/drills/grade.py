"""Grade what an investigation of a drill said, as `nightshift eval` would.

    nightshift show INCIDENT --json | python -m deploy.drills.grade memory-limit

Ends with 0 when it is right, with 1 when it is not, with 3 while it is under way. The words are
looked for, not their meaning (docs/evaluation.md).
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


def graded(drill: str, shown: str) -> Score | None:
    """The grade of what `nightshift show --json` printed; None of what has not ended.

    Raises as `expectation` does.
    """
    story = Story.model_validate_json(shown)
    if story.outcome is None:
        return None
    answer = Answer(outcome=story.outcome, reason=story.reason, diagnosis=story.diagnosis)
    return score(expectation(drill), answer)


def main(words: list[str]) -> int:
    """Prints the grade of standard input; 2 where there is no such drill or nothing to grade."""
    drills = sorted(path.parent.name for path in DRILLS.glob("*/expected.json"))
    if len(words) != 1 or words[0] not in drills:
        sys.stderr.write(f"say one of {', '.join(drills)}\n")
        return 2
    try:
        found = graded(words[0], sys.stdin.read())
    except ValidationError:
        sys.stderr.write("this is not what `nightshift show INCIDENT --json` prints\n")
        return 2
    if found is None:
        sys.stderr.write("the investigation is not over: ask again once its card stands\n")
        return 3
    sys.stdout.write("\n".join([found.label, *found.reasons]) + "\n")
    return 0 if found.grade == "right" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
