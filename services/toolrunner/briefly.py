"""The beginning of a text of which little is shown: what follows is not even cleaned."""

import re

MOST = 8_000
_LAST_LINE = 2_000
_SECRET = re.compile(r"kind\W{1,12}Secret")


def briefly(text: str) -> str:
    """The text, or its first whole lines or words: no word is cut, so no secret is split.

    Cleaning takes as long as its text, and an error is cleaned on the event loop. A Kubernetes
    Secret tells only behind its values what it is, so nothing stays of a text that ends like one.
    """
    if len(text) <= MOST:
        return text
    head = text[:MOST]
    end = head.rfind("\n", MOST - _LAST_LINE)
    if end < 0:
        end = max(head.rfind(blank) for blank in " \t\n")
    if _SECRET.search(text, MOST - 40):
        end = 0
    return f"{head[: max(end, 0)]} (the rest of {len(text)} characters is left out)".lstrip()
