"""What a server answered, as text; or in which words it failed."""

from dataclasses import dataclass

from mcp import MCPError
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolResult,
    EmbeddedResource,
    TextContent,
    TextResourceContents,
)

from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_http import BROKE_OFF, ENCODED
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
        parts = []
        for part in answer.content:
            if isinstance(part, TextContent):
                parts.append(part.text)
            elif isinstance(part, EmbeddedResource):
                inner = part.resource
                parts.append(inner.text if isinstance(inner, TextResourceContents) else "")
        text = "\n".join(parts)
        if self.mark:
            text = text.replace(self.mark, MARK)
        if answer.is_error:
            raise ToolFailed(briefly(text) or f"{self.server}: the tool failed without saying why")
        if len(text) > self.max_bytes or len(text.encode()) > self.max_bytes:
            raise self._refused(TOO_LARGE)
        if (
            answer.content
            and not text
            and not any(isinstance(part, TextContent) for part in answer.content)
        ):
            raise ToolFailed(f"{self.server}: the answer holds no text")
        return text

    def raise_if_final(self, error: MCPError) -> None:
        """Raise what the caller is told, unless the connection was lost, and the call with it."""
        said = str(error)
        for refusal in (*REFUSALS, TOO_LONG, NOT_CONDENSED, ENCODED):
            if refusal in said:
                raise self._refused(refusal) from None
        if error.error.code == REQUEST_TIMEOUT:
            raise TimeoutError from None
        if error.error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            raise ToolFailed(f"{self.server}: {briefly(said)}") from None
        if error.error.code == PARSE_ERROR and BROKE_OFF not in said:
            raise ServerFailed(f"{self.server}: the answer is no JSON-RPC; nothing was read")

    def _refused(self, refusal: str) -> ToolFailed:
        if refusal == TOO_LARGE:
            refusal = f"the result is larger than {self.max_bytes} bytes"
        if refusal == TOO_LONG:
            refusal = f"{TOO_LONG} ({MOST_OF_THEM * self.max_bytes} bytes)"
        return ToolFailed(f"{self.server}: {refusal}; ask for less")
