"""Refusals as GitHub words them."""

from starlette.responses import JSONResponse

DOCUMENTATION = "https://docs.github.com/rest"


class Refused(Exception):
    """A request that GitHub does not do; carries status, message and the errors of its fields."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors
        self.headers = headers or {}

    def answer(self) -> JSONResponse:
        """The refusal on the wire."""
        body: dict[str, object] = {"message": str(self)}
        if self.errors:
            body["errors"] = self.errors
        body |= {"documentation_url": DOCUMENTATION, "status": str(self.status)}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def not_found() -> Refused:
    """What does not exist, or what the token may not see: GitHub does not say which."""
    return Refused(404, "Not Found")


def too_large() -> Refused:
    """A file that is too large for every way of reading it."""
    message = (
        "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch "
        "via the API."
    )
    error = {"resource": "Blob", "field": "data", "code": "too_large"}
    return Refused(403, message, errors=[error])


def invalid_search(code: str, message: str = "") -> Refused:
    """A search that cannot be run."""
    error = {"resource": "Search", "field": "q", "code": code}
    return Refused(
        422, "Validation Failed", errors=[error | ({"message": message} if message else {})]
    )


def limit_reached(refused: Refused) -> JSONResponse:
    """The same limit as GraphQL says it: status 200, and an error."""
    return JSONResponse({"errors": [{"type": "RATE_LIMITED", "message": str(refused)}]})
