"""The error of every built-in tool."""

import logging

from fastmcp.exceptions import ToolError


class NotRead(ToolError):
    """Nothing was read; the text is one sentence for the model, no fault of the server."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, log_level=logging.DEBUG)


class NotServed(NotRead):
    """What was asked for is not there, or its API is not."""
