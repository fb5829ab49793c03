"""You will see a case of your own graded: an incident whose cause you know, as a folder of files.

    .venv/bin/python examples/08_grade_a_case.py

The case goes through the real services. No model is asked, although `nightshift eval` can ask any:
three scripts that were told the answer play it, which shows how right and wrong are graded.
"""

import json
import sys
import tempfile
from pathlib import Path

from laptop import nightshift, say

TRIGGER = {"title": "Orders are slow", "service": "order-api", "threshold": "p99 > 2 s"}
EVIDENCE = {
    "order-api.log": "INFO started\nWARN no free connection after 5000 ms, pool size 10\n",
    "deployments.txt": "02:10 order-api 4.2.0: pool size 100 -> 10\n",
    "database.txt": "cpu 12 %, connections 10 of 500, slow queries none\n",
}
EXPECTED = {
    "verdict": "fault",
    "root_cause_keywords": ["pool size"],  # all of them, in the model's own words
    "any_of_keywords": ["4.2.0", "10"],  # one of them
    "must_not_claim": ["database is down", "network is down"],
}


def main() -> None:
    """One case folder in a folder of cases."""
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder, "small-pool")
        (case / "evidence").mkdir(parents=True)
        (case / "trigger.json").write_text(json.dumps(TRIGGER), encoding="utf-8")
        (case / "expected.json").write_text(json.dumps(EXPECTED), encoding="utf-8")
        for name, text in EVIDENCE.items():
            (case / "evidence" / name).write_text(text, encoding="utf-8")
        say(f"{case.name}: {', '.join(EVIDENCE)}")
        ended = nightshift("eval", "--cases", folder, "--no-scenarios", "--json")
    if ended.returncode != 0:
        sys.exit(f"nightshift eval ended with {ended.returncode}")
    graded = json.loads(ended.stdout)
    for incident in graded["incidents"]:
        diagnosis = incident["answer"]["diagnosis"]
        say(f"{incident['player']}: {incident['score']['grade']}")
        print(f"    {diagnosis['root_cause'] or diagnosis['summary']}")
    say(f"from best to worst: {', '.join(graded['order'])}")


if __name__ == "__main__":
    main()
