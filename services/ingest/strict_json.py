"""JSON from strangers: one meaning or none. Pure.

Two readers of one text may take different ones of two equal names, so a name stands only once.
"""

import json

from bus.errors import Rejected

Json = dict[str, object]


def document(body: bytes) -> Json:
    """The object in a body; raises Rejected when it is anything else, or says a name twice."""
    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Rejected("the body is not UTF-8") from None
    except RecursionError:
        raise Rejected("the body is nested too deeply to be read") from None
    except ValueError as error:
        raise Rejected(f"the body is not JSON: {error}"[:200]) from None
    if not isinstance(found, dict):
        raise Rejected("the body is not a JSON object")
    return found


def _once(pairs: list[tuple[str, object]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Rejected("a name stands twice in one JSON object")
    return found
