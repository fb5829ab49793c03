"""Case folders: recorded incidents whose evidence is served as tool results.

A folder holds `trigger.json`, `evidence/` and `expected.json`; `docs/evaluation.md` has the form.
"""

from simulator.cases.folder import Case, ExpectedAnswer, Problem, read_cases

__all__ = ["Case", "ExpectedAnswer", "Problem", "read_cases"]
