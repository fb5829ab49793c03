"""The GitHub stand-in on the wire: token, limits, answers, and the log of requests."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.faults import Fault, Faults
from simulator.github.answers import Refused, limit_reached, not_found, too_large
from simulator.github.faulty import possible, struck, without_content
from simulator.github.graphql import answer_graphql, asked_for
from simulator.github.pages import base_of, page_numbers, page_of
from simulator.github.rate_limits import RateLimits
from simulator.github.repository import Repository, is_in_window
from simulator.github.search import read_query, search_code, text_matches
from simulator.github.shapes import Json, Shapes
from simulator.request_log import RequestLog
from simulator.scenario import Scenario
from simulator.striking import NO_ANSWER, SILENT, silence, spoilt

STAND_IN = "github"
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_LARGEST_BLOB_BYTES = 100 * 1024 * 1024
_FURTHEST_RESULT = 1000
_MOST_ENTRIES = 1000
_VERSIONS = ("", "2022-11-28")
GRAPHQL = "/graphql"
_KINDS = {"/search/code": "code_search", GRAPHQL: "graphql"}
_NOBODY = {GRAPHQL: "This endpoint requires you to be authenticated."}
_Answer = Callable[[Request, Shapes], Awaitable[Response]]


def build_github(
    scenario: Scenario,
    log: RequestLog,
    *,
    token: str,
    limits: RateLimits | None = None,
    faults: Faults | None = None,
) -> Starlette:
    """An app that answers for the scenario's repository as api.github.com does to one `token`.

    The token may read that repository and nothing else. Without `limits` requests are counted and
    told, never refused for their number. Ages of commits count back from the moment of the request.
    """
    desk = _Desk(
        scenario, log, token=token, limits=limits or RateLimits(), faults=faults or Faults()
    )
    one = "/repos/{owner}/{repo}"
    answers: dict[str, _Answer] = {
        one: desk.repository,
        f"{one}/contents": desk.contents,
        f"{one}/contents/{{path:path}}": desk.contents,
        f"{one}/git/trees/{{sha:path}}": desk.tree,
        f"{one}/git/blobs/{{sha}}": desk.blob,
        f"{one}/git/ref/{{ref:path}}": desk.ref,
        f"{one}/git/refs": desk.refs,
        f"{one}/git/matching-refs/{{ref:path}}": desk.refs,
        f"{one}/branches": desk.branches,
        f"{one}/branches/{{branch:path}}": desk.branch,
        f"{one}/commits": desk.commits,
        f"{one}/commits/{{ref:path}}": desk.commit,
        "/search/code": desk.search,
        GRAPHQL: desk.graphql,
        "/rate_limit": desk.rate_limit,
        "/{rest:path}": desk.unknown,
    }
    routes = [
        Route(path, desk.logged(answer), methods=_EVERY_METHOD) for path, answer in answers.items()
    ]
    return Starlette(routes=routes)


class _Desk:
    def __init__(
        self,
        scenario: Scenario,
        log: RequestLog,
        *,
        token: str,
        limits: RateLimits,
        faults: Faults,
    ) -> None:
        self._repository = Repository(scenario.repository)
        self._log = log
        self._token = token
        self._limits = limits
        self._faults = faults

    def logged(self, answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            asked = f"{request.method} {request.url.path}"
            facts: dict[str, object] = {"query": request.url.query} if request.url.query else {}
            if request.url.path == GRAPHQL:
                facts["variables"] = asked_for(await request.body())
            fault = request.state.fault = self._faults.take(
                STAND_IN, asked, about=_about(request), among=possible(request)
            )
            if fault is not None:
                facts["fault"] = fault.fault
            if fault is not None and fault.fault in SILENT:
                self._log.record(STAND_IN, asked, status=NO_ANSWER, **facts)
                return await silence(fault, request)
            response = await self._respond(answer, request, facts=facts)
            self._log.record(STAND_IN, asked, status=response.status_code, **facts)
            return await spoilt(fault, response, request=request)

        return respond

    async def _respond(
        self, answer: _Answer, request: Request, *, facts: dict[str, object]
    ) -> Response:
        kind = _KINDS.get(request.url.path, "core")
        fault: Fault | None = request.state.fault
        own: dict[str, str] = {}
        try:
            self._admit(request, kind)
            shapes = Shapes(self._repository, base_of(request), now=datetime.now(UTC))
            instead = struck(fault) if fault is not None else None
            response = instead or await answer(request, shapes)
        except Refused as refused:
            is_limit = kind == "graphql" and "rate limit exceeded" in str(refused)
            response = limit_reached(refused) if is_limit else refused.answer()
            own = refused.headers
            facts["refused"] = str(refused)
        response.headers.update(self._limits.headers(kind) | own)
        response.headers["x-github-media-type"] = "github.v3; format=json"
        return response

    def _admit(self, request: Request, kind: str) -> None:
        if not request.headers.get("user-agent"):
            raise Refused(
                403, "Request forbidden by administrative rules. Please have a User-Agent header."
            )
        version = request.headers.get("x-github-api-version", "")
        if version not in _VERSIONS:
            raise Refused(400, f"Bad Request: {version!r} is not a supported version of the API")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise Refused(401, _NOBODY.get(request.url.path, "Requires authentication"))
        known = hmac.compare_digest(token.strip().encode(), self._token.encode())
        if scheme.lower() not in ("bearer", "token") or not known:
            raise Refused(401, "Bad credentials")
        if request.url.path != "/rate_limit":
            self._limits.count(kind)
        owner, repo = (request.path_params.get(part, "") for part in ("owner", "repo"))
        if owner and f"{owner}/{repo}".lower() != self._repository.setup.name.lower():
            raise not_found()
        allowed = ("POST",) if request.url.path == GRAPHQL else ("GET", "HEAD")
        if request.method not in allowed:
            raise Refused(403, "Resource not accessible by personal access token")

    async def repository(self, _request: Request, shapes: Shapes) -> Response:
        return JSONResponse(shapes.repository())

    async def contents(self, request: Request, shapes: Shapes) -> Response:
        path = request.path_params.get("path", "").strip("/")
        ref = request.query_params.get("ref") or self._repository.setup.default_branch
        entry = self._repository.entry(path, ref)
        if entry.content is None:
            children = self._repository.children(path)[:_MOST_ENTRIES]
            return JSONResponse([shapes.entry(child, ref) for child in children])
        if len(entry.content) > _LARGEST_BLOB_BYTES:
            raise too_large()
        if _wants(request, "raw"):
            return Response(entry.content, media_type="application/vnd.github.raw")
        shown = shapes.file(entry, ref)
        if request.state.fault is not None and request.state.fault.fault == "large_file":
            return without_content(shown)
        return JSONResponse(shown)

    async def tree(self, request: Request, shapes: Shapes) -> Response:
        sha = request.path_params["sha"]
        repository = self._repository
        folders = [entry for entry in repository.entries.values() if not entry.is_file]
        found = [folder for folder in folders if folder.sha == sha]
        folder = found[0] if found else repository.entry("", sha)
        # Any value asks for the whole tree, even 0 and false: so GitHub's documentation says.
        recursive = bool(request.query_params.get("recursive"))
        return JSONResponse(shapes.tree(sha, folder, recursive=recursive))

    async def blob(self, request: Request, shapes: Shapes) -> Response:
        for entry in self._repository.entries.values():
            if entry.is_file and entry.sha == request.path_params["sha"]:
                return JSONResponse(shapes.blob(entry))
        raise not_found()

    async def ref(self, request: Request, shapes: Shapes) -> Response:
        branch = self._repository.setup.default_branch
        if request.path_params["ref"] != f"heads/{branch}":
            raise not_found()
        return JSONResponse(shapes.ref())

    async def refs(self, request: Request, shapes: Shapes) -> Response:
        wanted = request.path_params.get("ref", "")
        known = f"heads/{self._repository.setup.default_branch}"
        return JSONResponse([shapes.ref()] if known.startswith(wanted) else [])

    async def branches(self, _request: Request, shapes: Shapes) -> Response:
        return JSONResponse([shapes.branch()])

    async def branch(self, request: Request, shapes: Shapes) -> Response:
        if request.path_params["branch"] != self._repository.setup.default_branch:
            raise Refused(404, "Branch not found")
        return JSONResponse(shapes.branch())

    async def commits(self, request: Request, shapes: Shapes) -> Response:
        query = request.query_params
        tip = query.get("sha") or "HEAD"
        start = self._repository.find_commit(tip)
        if start is None:
            raise not_found()
        listed = self._repository.setup.commits
        reachable = listed[listed.index(start) :]
        touching = self._repository.history(query.get("path", ""))
        window = {"since": query.get("since", ""), "until": query.get("until", "")}
        now = datetime.now(UTC)
        found = [
            commit
            for commit in touching
            if commit in reachable
            and query.get("author", "") in commit.author
            and is_in_window(commit, now, **window)
        ]
        page, headers = page_of(request, found)
        return JSONResponse([shapes.commit(commit) for commit in page], headers=headers)

    async def commit(self, request: Request, shapes: Shapes) -> Response:
        ref = request.path_params["ref"]
        commit = self._repository.find_commit(ref)
        if commit is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        return JSONResponse(shapes.full_commit(commit))

    async def search(self, request: Request, shapes: Shapes) -> Response:
        query = read_query(request.query_params.get("q"))
        number, size = page_numbers(request)
        if number * size > _FURTHEST_RESULT:
            raise Refused(422, "Only the first 1000 search results are available")
        found = search_code(self._repository, query)
        page, headers = page_of(request, found)
        tip = self._repository.tip()
        items = []
        for entry in page:
            item = shapes.entry(entry, tip)
            address = str(item["url"])
            for absent in ("size", "type", "download_url", "_links"):
                item.pop(absent)
            item |= {"repository": shapes.repository(), "score": 1.0}
            if _wants(request, "text-match"):
                item["text_matches"] = text_matches(entry, query, address=address)
            items.append(item)
        answer: Json = {"total_count": len(found), "incomplete_results": False, "items": items}
        return JSONResponse(answer, headers=headers)

    async def graphql(self, request: Request, _shapes: Shapes) -> Response:
        body = await request.body()
        return JSONResponse(answer_graphql(body, self._repository, now=datetime.now(UTC)))

    async def rate_limit(self, _request: Request, _shapes: Shapes) -> Response:
        resources = {kind: self._limits.facts(kind) for kind in ("core", "code_search", "graphql")}
        return JSONResponse({"resources": resources, "rate": resources["core"]})

    async def unknown(self, _request: Request, _shapes: Shapes) -> Response:
        raise not_found()


def _about(request: Request) -> str:
    """The query in plain letters, so that a fault's `where` can name a word of a search."""
    return " ".join(request.query_params.values())


def _wants(request: Request, media: str) -> bool:
    accept = request.headers.get("accept", "")
    return any(f"application/vnd.github.{part}" in accept for part in (media, f"v3.{media}"))
