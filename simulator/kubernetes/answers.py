"""Refusals as the Kubernetes API words them: a `Status` object with reason and code."""

from starlette.responses import JSONResponse, PlainTextResponse

from simulator.kubernetes.shapes import Object


class Refused(Exception):
    """A request that the API does not do; carries its `Status` object."""

    def __init__(
        self, code: int, reason: str, *, message: str, details: Object | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers: dict[str, str] = {}
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.status["details"] = details

    def answer(self) -> JSONResponse:
        """The refusal on the wire."""
        return JSONResponse(self.status, status_code=self.code, headers=self.headers)


def unauthorized() -> Refused:
    """No token, or one that nobody has."""
    return Refused(401, "Unauthorized", message="Unauthorized")


def bad_request(message: str) -> Refused:
    """A request that cannot be understood."""
    return Refused(400, "BadRequest", message=message)


def not_found(resource: str, name: str, *, group: str) -> Refused:
    """An object that does not exist."""
    kind = f"{resource}.{group}" if group else resource
    details: Object = {"name": name, "kind": resource}
    if group:
        details["group"] = group
    return Refused(404, "NotFound", message=f'{kind} "{name}" not found', details=details)


def no_such_resource() -> Refused:
    """A path that this server does not serve."""
    message = "the server could not find the requested resource"
    return Refused(404, "NotFound", message=message, details={})


def no_such_group() -> PlainTextResponse:
    """A path of a group or version that is not served, such as that of metrics without a server."""
    return PlainTextResponse("404 page not found\n", status_code=404)


def not_acceptable() -> Refused:
    """An answer in a format that this server does not write."""
    message = (
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )
    return Refused(406, "NotAcceptable", message=message)


def invalid_list_options(field: str, words: str) -> Refused:
    """Options of a list that contradict each other; `words` say the rule."""
    cause: Object = {"reason": "FieldValueForbidden", "message": words, "field": field}
    details: Object = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]}
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: {words}'
    return Refused(422, "Invalid", message=message, details=details)


def invalid_log_options(field: str, words: str) -> Refused:
    """Log options that contradict the API's rules; `words` say the value and the rule."""
    message = f"{field}: {words}"
    cause = {"reason": "FieldValueInvalid", "message": words, "field": field}
    details: Object = {"group": "", "kind": "PodLogOptions", "causes": [cause]}
    return Refused(
        422, "Invalid", message=f'PodLogOptions "" is invalid: {message}', details=details
    )
