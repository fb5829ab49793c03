"""What stands before moto: whose key a request is signed with, in which account, and the log."""

import io
import json
import re
from collections.abc import Callable, Iterable
from types import TracebackType
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from simulator.request_log import RequestLog

STAND_IN = "aws"
_SIGNED_BY = re.compile(r"Credential=([^/]+)/\d{8}/[\w-]+/([\w-]+)/aws4_request")
_LONGEST_READ_BODY = 65_536
_Error = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Gate:
    """A WSGI app that lets requests signed with `key_id` through to moto, and notes each one.

    moto checks no key and answers for a default account; here a stranger's key is refused as AWS
    refuses it, and everything lives in `account`.
    """

    def __init__(self, app: WSGIApplication, log: RequestLog, *, key_id: str, account: str) -> None:
        self._app = app
        self._log = log
        self._key_id = key_id
        self._account = account

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; its line is in the log before the answer leaves."""
        signed = _SIGNED_BY.search(environ.get("HTTP_AUTHORIZATION", ""))
        asked = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"
        facts = {"service": signed.group(2) if signed else "unsigned", "action": _action(environ)}

        def started(
            status: str, headers: list[tuple[str, str]], *error: _Error | None
        ) -> Callable[[bytes], object]:
            self._log.record(STAND_IN, asked, status=int(status.split(" ", 1)[0]), **facts)
            return start_response(status, headers, *error)

        if signed is None or signed.group(1) != self._key_id:
            return _refuse(environ, started)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._account
        return self._app(environ, started)


def _action(environ: WSGIEnvironment) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rpartition(".")[2]
    path = str(environ.get("PATH_INFO", ""))
    if "/operation/" in path:
        return path.rpartition("/operation/")[2]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not _is_form(environ) or not 0 < length <= _LONGEST_READ_BODY:
        return ""
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]


def _is_form(environ: WSGIEnvironment) -> bool:
    return "form-urlencoded" in str(environ.get("CONTENT_TYPE", ""))


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    words = "The security token included in the request is invalid."
    if _is_form(environ):
        kind = "text/xml"
        error = f"<Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>{words}</Message>"
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    else:
        kind = "application/x-amz-json-1.0"
        body = json.dumps({"__type": "UnrecognizedClientException", "message": words}).encode()
    start_response("403 Forbidden", [("Content-Type", kind), ("Content-Length", f"{len(body)}")])
    return [body]
