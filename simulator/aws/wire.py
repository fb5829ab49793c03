"""A request to AWS as its two protocols carry it, and answers in the same protocol."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_SIGNED_BY = re.compile(r"Credential=([^/]+)/\d{8}/[\w-]+/([\w-]+)/aws4_request")
_XML_CODES = {
    "ThrottlingException": "Throttling",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "UnrecognizedClientException": "InvalidClientTokenId",
}
"""What the older protocol calls the same error."""
_REFUSALS = ("ExpiredToken", "AccessDenied", "InvalidClientTokenId")
Json = dict[str, object]


@dataclass(frozen=True)
class Answer:
    """A status, headers and a body that is whole."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status.split(" ", 1)[0])

    def fields(self) -> Json:
        """The body as a JSON object; an empty one when it is none."""
        return _object(self.body)

    def changed(self, fields: Json) -> "Answer":
        """The same answer with that JSON object as its body."""
        body = json.dumps(fields).encode()
        kept = [pair for pair in self.headers if pair[0].lower() != "content-length"]
        return Answer(self.status, [*kept, ("Content-Length", f"{len(body)}")], body)


@dataclass(frozen=True)
class Asked:
    """A request with its body, which was put back for whoever reads it next."""

    environ: WSGIEnvironment
    body: bytes
    key_id: str
    service: str

    @property
    def line(self) -> str:
        """The request line of the log."""
        return f"{self.environ['REQUEST_METHOD']} {self.environ.get('PATH_INFO', '/')}"

    @property
    def is_form(self) -> bool:
        """Whether it speaks the older protocol: a form, answered with XML."""
        return "form-urlencoded" in str(self.environ.get("CONTENT_TYPE", ""))

    @property
    def action(self) -> str:
        """What is to be done, such as `ReceiveMessage`."""
        target = str(self.environ.get("HTTP_X_AMZ_TARGET", ""))
        if target or not self.is_form:
            return target.rpartition(".")[2]
        return parse_qs(self.body.decode("utf-8", "replace")).get("Action", [""])[0]

    def fields(self) -> Json:
        """The arguments, where they are JSON."""
        return _object(self.body)

    def error(self, code: str, message: str, *, status: str = "400 Bad Request") -> Answer:
        """A refusal in the protocol of the request."""
        if self.is_form:
            code = _XML_CODES.get(code, code)
            status = "403 Forbidden" if code in _REFUSALS else status
            who = "Receiver" if status.startswith("5") else "Sender"
            error = f"<Type>{who}</Type><Code>{code}</Code><Message>{message}</Message>"
            body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
            kind = "text/xml"
        else:
            body = json.dumps({"__type": code, "message": message}).encode()
            kind = "application/x-amz-json-1.0"
        headers = [("Content-Type", kind), ("Content-Length", f"{len(body)}")]
        return Answer(status, headers, body)

    def said(self, fields: Json) -> Answer:
        """An answer in JSON, which is all that is spoken where moto has no answer."""
        body = json.dumps(fields).encode()
        kind = "application/x-amz-json-1.0"
        return Answer("200 OK", [("Content-Type", kind), ("Content-Length", f"{len(body)}")], body)

    def other(self, action: str, fields: Json) -> "Asked":
        """The same sender asks the same service for something else."""
        prefix = str(self.environ["HTTP_X_AMZ_TARGET"]).rpartition(".")[0]
        body = json.dumps(fields).encode()
        changes = {
            "HTTP_X_AMZ_TARGET": f"{prefix}.{action}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        return Asked(self.environ | changes, body, self.key_id, self.service)


def read(environ: WSGIEnvironment) -> Asked:
    """The request; who signed it is empty when nobody did."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    signed = _SIGNED_BY.search(environ.get("HTTP_AUTHORIZATION", ""))
    key_id, service = (signed.group(1), signed.group(2)) if signed else ("", "unsigned")
    return Asked(environ, body, key_id, service)


def answer_of(app: WSGIApplication, asked: Asked) -> Answer:
    """What the app answers, whole."""
    head: list[tuple[str, list[tuple[str, str]]]] = []

    def start(
        status: str, headers: list[tuple[str, str]], *_error: object
    ) -> Callable[[bytes], object]:
        head.append((status, headers))
        return written.append

    written: list[bytes] = []
    given = app(asked.environ, cast(StartResponse, start))
    body = b"".join([*written, *given])
    status, headers = head[-1]
    return Answer(status, headers, body)


def _object(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
