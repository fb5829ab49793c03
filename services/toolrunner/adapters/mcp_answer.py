"""What a server answered, as text; or in which words it failed."""

import json
import re
from collections import Counter
from dataclasses import dataclass

from mcp import MCPError
from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

from bus.errors import ToolFailed
from services.toolrunner.adapters import mcp_errors
from services.toolrunner.adapters.mcp_errors import HINTS, LEAST_ERROR, LEAST_FAILURE
from services.toolrunner.adapters.mcp_http import ENCODED, Departure
from services.toolrunner.briefly import briefly
from services.toolrunner.gaps import MARK
from services.toolrunner.long_texts import MOST_OF_THEM, NOT_CONDENSED, TOO_LONG
from services.toolrunner.ports import ServerFailed
from services.toolrunner.shape import REFUSALS, TOO_LARGE


@dataclass(frozen=True)
class Answers:
    """Reads the answers of one server."""

    server: str
    max_bytes: int
    mark: str = ""
    """The word by which our own servers mark where lines are missing (`gaps`)."""

    def text(self, answer: CallToolResult) -> str:
        """The text of a tool's answer. Raises ToolFailed with what the tool says went wrong."""
        parts, lacks = _parts(answer)
        text = "\n".join([*parts, *lacks] if parts else [])
        if self.mark:
            text = text.replace(self.mark, MARK)
        if answer.is_error:
            raise ToolFailed(briefly(text) or f"{self.server}: the tool failed without saying why")
        if len(text) > self.max_bytes or len(text.encode()) > self.max_bytes:
            raise self._refused(TOO_LARGE)
        if not parts:
            raise ToolFailed("; ".join([f"{self.server}: the answer holds no text", *lacks]))
        return text

    def raise_if_final(self, error: MCPError, departure: Departure, *, again: bool) -> None:
        """Raise what the caller is told, unless the connection was lost, and the call with it.

        An error that the server answered is its tool's, whatever its code: the session stays, and
        nobody asks twice. `again`: the call was sent anew already, in a session of its own.
        """
        said = str(error)
        for refusal in (*REFUSALS, TOO_LONG, NOT_CONDENSED, ENCODED):
            if refusal in said:
                raise self._refused(refusal) from None
        if mcp_errors.is_timeout(error):
            raise TimeoutError from None
        if mcp_errors.is_unparsed(error):
            raise ServerFailed(f"{self.server}: the answer is no JSON-RPC; nothing was read")
        gone = mcp_errors.lacks_session(error, departure) and not again
        if gone or mcp_errors.is_lost(error, departure):
            return
        status = mcp_errors.status_of(departure)
        if mcp_errors.is_stand_in(error, departure):
            raise self._http(status, departure)
        words = briefly(said).strip() or "the tool failed without saying why"
        http = f" (HTTP {status}{HINTS.get(status, '')})" if status >= LEAST_ERROR else ""
        raise ToolFailed(f"{self.server}: {words}{http}")

    def _http(self, status: int, departure: Departure) -> ToolFailed:
        wait = departure.response.headers.get("retry-after", "") if departure.response else ""
        later = f"; it can be asked again in {wait} s" if re.fullmatch("[0-9]{1,6}", wait) else ""
        said = f"{self.server}: it answered HTTP {status}{HINTS.get(status, '')}{later}"
        # What it says of one request tells nothing about the next one.
        is_ours = LEAST_ERROR <= status < LEAST_FAILURE and status not in (401, 429)
        return (ToolFailed if is_ours else ServerFailed)(f"{said}; nothing was read")

    def _refused(self, refusal: str) -> ToolFailed:
        if refusal == TOO_LARGE:
            refusal = f"the result is larger than {self.max_bytes} bytes"
        if refusal == TOO_LONG:
            refusal = f"{TOO_LONG} ({MOST_OF_THEM * self.max_bytes} bytes)"
        return ToolFailed(f"{self.server}: {refusal}; ask for less")


def _parts(answer: CallToolResult) -> tuple[list[str], list[str]]:
    """The texts of an answer, and what is told of its other parts."""
    texts: list[str] = []
    others: Counter[str] = Counter()
    for part in answer.content:
        if isinstance(part, TextContent):
            texts.append(part.text)
        elif isinstance(part, EmbeddedResource) and isinstance(part.resource, TextResourceContents):
            texts.append(part.resource.text)
        else:
            others[part.type.replace("_", " ")] += 1
    if not texts and answer.structured_content is not None:
        texts.append(json.dumps(answer.structured_content, ensure_ascii=False))
    lacks = [
        f"{count} {kind}{'s were' if count > 1 else ' was'} left out"
        for kind, count in others.items()
    ]
    return texts, lacks
