"""What the Messages API answers when it says no."""

import http
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal[
    "invalid_request_error",
    "authentication_error",
    "not_found_error",
    "request_too_large",
]
_STATUS: dict[Kind, int] = {
    "invalid_request_error": http.HTTPStatus.BAD_REQUEST,
    "authentication_error": http.HTTPStatus.UNAUTHORIZED,
    "not_found_error": http.HTTPStatus.NOT_FOUND,
    "request_too_large": http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


class Refused(Exception):
    """A request that the API does not take; the text names the place and the reason."""

    def __init__(
        self,
        message: str,
        kind: Kind = "invalid_request_error",
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.message = message
        self.kind = kind

    @property
    def status(self) -> int:
        """The HTTP status that goes with the kind."""
        return int(_STATUS[self.kind])

    def body(self, request_id: str) -> dict[str, object]:
        """The JSON body of the answer."""
        error = {"type": self.kind, "message": self.message}
        return {"type": "error", "error": error, "request_id": request_id}
