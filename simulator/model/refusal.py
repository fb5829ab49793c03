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
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
]
_STATUS: dict[Kind, int] = {
    "invalid_request_error": http.HTTPStatus.BAD_REQUEST,
    "authentication_error": http.HTTPStatus.UNAUTHORIZED,
    "not_found_error": http.HTTPStatus.NOT_FOUND,
    "request_too_large": http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "rate_limit_error": http.HTTPStatus.TOO_MANY_REQUESTS,
    "api_error": http.HTTPStatus.INTERNAL_SERVER_ERROR,
    "timeout_error": http.HTTPStatus.GATEWAY_TIMEOUT,
    "overloaded_error": 529,
}


class Refused(Exception):
    """A request that the API does not take; the text names the place and the reason."""

    def __init__(
        self,
        message: str,
        kind: Kind = "invalid_request_error",
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        details: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.details = details
        self.message = message
        self.kind = kind

    @property
    def status(self) -> int:
        """The HTTP status that goes with the kind."""
        return int(_STATUS[self.kind])

    def body(self, request_id: str) -> dict[str, object]:
        """The JSON body of the answer."""
        error: dict[str, object] = {"type": self.kind, "message": self.message}
        error |= {"details": dict(self.details)} if self.details else {}
        return {"type": "error", "error": error, "request_id": request_id}
