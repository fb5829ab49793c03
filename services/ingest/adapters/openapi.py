"""`GET /openapi.json`: the paths that are open, from the file `services/ingest/openapi.json`."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

PATH = "/openapi.json"


def description(open_paths: Sequence[str]) -> dict[str, Any]:
    """The document, of those paths alone and itself."""
    text = files("services.ingest").joinpath("openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    paths = document["paths"].items()
    document["paths"] = {path: item for path, item in paths if path in (*open_paths, PATH)}
    return document


def openapi_route(routes: Sequence[BaseRoute]) -> Route:
    """The route that describes these routes, as far as they are described."""
    document = description([route.path for route in routes if isinstance(route, Route)])

    async def describe(_: Request) -> Response:
        return JSONResponse(document)

    return Route(PATH, describe)
