"""Claude on Bedrock and on Vertex, as far as the way in goes: paths, signatures, tokens."""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REGION = "eu-central-1"
ACCESS_KEY = "AKIA" + "DESKDESKDESKDESK"
SECRET = "-".join(["desk", "secret", "of", "the", "tests"])
TOKEN = "-".join(["ya29", "desk"])


@dataclass
class CloudDesk:
    """Takes a request only as the cloud would, and answers with one sentence."""

    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Path and body of each request that was let in."""
    refused: list[str] = field(default_factory=list)
    secret: str = SECRET

    def app(self) -> Starlette:
        """The desk on the wire."""
        mantle, runtime = self._signed("bedrock-mantle"), self._signed("bedrock")
        vertex = "/v1/projects/{project}/locations/{place}/publishers/anthropic/models/{model}"
        return Starlette(
            routes=[
                Route("/anthropic/v1/messages", mantle, methods=["POST"]),
                Route("/model/{model}/invoke", runtime, methods=["POST"]),
                Route(vertex, self._by_token, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def _signed(self, service: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            problem = wrong_signature(request, body, service=service, secret=self.secret)
            return await self._answer(request, problem)

        return answer

    async def _by_token(self, request: Request) -> Response:
        right = request.headers.get("authorization") == f"Bearer {TOKEN}"
        return await self._answer(request, "" if right else "the token is wrong")

    async def _token(self, request: Request) -> Response:
        given = parse_qs((await request.body()).decode())
        if "assertion" not in given:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    async def _answer(self, request: Request, problem: str) -> Response:
        if problem:
            self.refused.append(problem)
            return JSONResponse({"message": problem}, 403)
        body = json.loads(await request.body())
        self.asked.append((request.url.path, body))
        return JSONResponse(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude-of-the-cloud",
                "content": [{"type": "text", "text": "It is the cart."}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 10, "output_tokens": 5},
            }
        )


def wrong_signature(request: Request, body: bytes, *, service: str, secret: str) -> str:
    """What is wrong with a request's SigV4 signature, made again from what came."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme != "AWS4-HMAC-SHA256" or "SignedHeaders" not in given:
        return "the request is not signed"
    key, _, scope = given["Credential"].partition("/")
    if key != ACCESS_KEY or scope.split("/")[1:] != [REGION, service, "aws4_request"]:
        return f"the credential is for {scope}"
    names = given["SignedHeaders"].split(";")
    headers = {name: request.headers[name] for name in names}
    made = AWSRequest(method=request.method, url=str(request.url), headers=headers, data=body)
    made.context["timestamp"] = request.headers["x-amz-date"]
    signer: Any = SigV4Auth(Credentials(ACCESS_KEY, secret), service, REGION)
    signed = signer.string_to_sign(made, signer.canonical_request(made))
    if not hmac.compare_digest(signer.signature(signed, made), given["Signature"]):
        return "the signature is wrong"
    return ""
