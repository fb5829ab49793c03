"""What Kubernetes and GitHub publish of reading: each rule at its limit and just beyond.

Every rule names the page that says so. `within` is taken; `beyond` is refused with `status`.
"""

from dataclasses import dataclass, field

from tests.simulator.small_scenario import CART_POD, STORE

CONCEPTS = "https://kubernetes.io/docs/reference/using-api/api-concepts/"
LOGS = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
FIELDS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/"
LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"
LOGIN = "https://kubernetes.io/docs/reference/access-authn-authz/authentication/"
RBAC = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
GITHUB = "https://docs.github.com/en/rest"
SEARCH = f"{GITHUB}/search/search"
CONTENTS = f"{GITHUB}/repos/contents"
PAGES = f"{GITHUB}/using-the-rest-api/using-pagination-in-the-rest-api"
START = f"{GITHUB}/using-the-rest-api/getting-started-with-the-rest-api"
TOKENS = f"{GITHUB}/authentication/authenticating-to-the-rest-api"
VERSIONS = f"{GITHUB}/about-the-rest-api/api-versions"
Query = dict[str, str]
PODS = "/api/v1/namespaces/boutique/pods"
EVENTS = "/api/v1/namespaces/boutique/events"
JOBS = "/apis/batch/v1/namespaces/boutique/jobs"
LOG = f"{PODS}/{CART_POD}/log"
SIDECAR_LOG = f"{PODS}/redis-cart-0/log"
FILES = "/repos/GoogleCloudPlatform/microservices-demo/contents"
COMMITS = "/repos/GoogleCloudPlatform/microservices-demo/commits"
CODE = "/search/code"
SCOPE = "repo:GoogleCloudPlatform/microservices-demo"


@dataclass(frozen=True)
class Get:
    """A request for something; a header that is None is not sent."""

    path: str
    query: Query = field(default_factory=dict)
    headers: dict[str, str | None] = field(default_factory=dict)
    method: str = "GET"


@dataclass(frozen=True)
class ReadRule:
    """One published rule of reading."""

    rule: str
    source: str
    within: Get
    beyond: Get
    status: int


def _query(rule: str, source: str, path: str, *queries: Query, status: int = 400) -> ReadRule:
    within, beyond = queries
    return ReadRule(rule, source, Get(path, within), Get(path, beyond), status)


def _log(rule: str, within: Query, *, beyond: Query, status: int = 422) -> ReadRule:
    return _query(rule, LOGS, LOG, within, beyond, status=status)


def _list(rule: str, within: Query, *, beyond: Query, status: int = 400) -> ReadRule:
    return _query(rule, CONCEPTS, PODS, within, beyond, status=status)


def _code(rule: str, within: str, *, beyond: str) -> ReadRule:
    return _query(rule, SEARCH, CODE, {"q": within}, {"q": beyond}, status=422)


def _and(count: int) -> str:
    return " AND ".join(["loafers"] * (count + 1)) + f" {SCOPE}"


KUBERNETES = [
    _log("tailLines is no less than 0", {"tailLines": "0"}, beyond={"tailLines": "-1"}),
    _log("tailLines is a number", {"tailLines": "9"}, beyond={"tailLines": "9k"}, status=400),
    _log("limitBytes is more than 0", {"limitBytes": "1"}, beyond={"limitBytes": "0"}),
    _log("sinceSeconds is more than 0", {"sinceSeconds": "1"}, beyond={"sinceSeconds": "0"}),
    _log(
        "one of sinceTime and sinceSeconds",
        {"sinceTime": "2026-01-01T00:00:00Z"},
        beyond={"sinceTime": "2026-01-01T00:00:00Z", "sinceSeconds": "9"},
    ),
    _log(
        "sinceTime is RFC 3339",
        {"sinceTime": "2026-01-01T00:00:00Z"},
        beyond={"sinceTime": "yesterday"},
        status=400,
    ),
    _log(
        "the container is one of the pod's",
        {"container": "server"},
        beyond={"container": "sidecar"},
        status=400,
    ),
    ReadRule(
        "previous needs a container that ended before",
        LOGS,
        Get(LOG, {"previous": "true"}),
        Get(SIDECAR_LOG, {"container": "server", "previous": "true"}),
        400,
    ),
    _query("of several containers one is named", LOGS, SIDECAR_LOG, {"container": "exporter"}, {}),
    _list("limit is a number", {"limit": "1"}, beyond={"limit": "one"}),
    _list("continue is what the server gave", {"limit": "1"}, beyond={"continue": "nonsense"}),
    _list(
        "continue goes without resourceVersion",
        {"continue": "YWZ0ZXIgMQ=="},
        beyond={"continue": "YWZ0ZXIgMQ==", "resourceVersion": "1"},
    ),
    _list("resourceVersion is a number", {"resourceVersion": "0"}, beyond={"resourceVersion": "x"}),
    _list(
        "resourceVersionMatch needs resourceVersion",
        {"resourceVersion": "1", "resourceVersionMatch": "Exact"},
        beyond={"resourceVersionMatch": "Exact"},
        status=422,
    ),
    _list(
        "resourceVersionMatch is Exact or NotOlderThan",
        {"resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"},
        beyond={"resourceVersion": "1", "resourceVersionMatch": "Newest"},
        status=422,
    ),
    ReadRule(
        "the answer is in a format that the server writes",
        CONCEPTS,
        Get(PODS, headers={"Accept": "text/html, application/json"}),
        Get(PODS, headers={"Accept": "text/html"}),
        406,
    ),
    _query(
        "a field selector names a supported field of pods",
        FIELDS,
        PODS,
        {"fieldSelector": "status.phase=Running"},
        {"fieldSelector": "spec.containers=server"},
    ),
    _query(
        "a field selector names a supported field of events",
        FIELDS,
        EVENTS,
        {"fieldSelector": "involvedObject.name=cartservice"},
        {"fieldSelector": "message=BackOff"},
    ),
    _query(
        "a field selector names a supported field of jobs",
        FIELDS,
        JOBS,
        {"fieldSelector": "status.successful=1"},
        {"fieldSelector": "spec.completions=1"},
    ),
    _query(
        "a field selector has no sets",
        FIELDS,
        PODS,
        {"fieldSelector": "metadata.name!=x"},
        {"fieldSelector": "metadata.name in (x)"},
    ),
    _query(
        "a label selector can be read",
        LABELS,
        PODS,
        {"labelSelector": "app in (cartservice)"},
        {"labelSelector": "app=cartservice="},
    ),
    ReadRule("a token", LOGIN, Get(PODS), Get(PODS, headers={"Authorization": None}), 401),
    ReadRule(
        "a token that somebody has",
        LOGIN,
        Get(PODS),
        Get(PODS, headers={"Authorization": "Bearer nobody"}),
        401,
    ),
    ReadRule("what no rule allows", RBAC, Get(PODS), Get(PODS.replace("pods", "secrets")), 403),
    ReadRule("one namespace", RBAC, Get(PODS), Get(PODS.replace("boutique", "other")), 403),
    ReadRule("reading only", RBAC, Get(PODS), Get(f"{PODS}/x", method="DELETE"), 403),
    ReadRule("an object that is there", CONCEPTS, Get(LOG), Get(f"{PODS}/nobody/log"), 404),
]
GITHUB_RULES = [
    _query("a search has a q", SEARCH, CODE, {"q": f"loafers {SCOPE}"}, {}, status=422),
    _code("256 characters", f"{'x' * 256} {SCOPE}", beyond=f"{'x' * 257} {SCOPE}"),
    _code("five operators", _and(5), beyond=_and(6)),
    _code("a search has a term", f"loafers {SCOPE}", beyond=SCOPE),
    _code("a search has a scope", f"loafers {SCOPE}", beyond="loafers"),
    _code("a scope that can be seen", f"loafers {SCOPE}", beyond="loafers repo:nobody/nothing"),
    _query(
        "1000 results",
        SEARCH,
        CODE,
        {"q": f"loafers {SCOPE}", "per_page": "100", "page": "10"},
        {"q": f"loafers {SCOPE}", "per_page": "100", "page": "11"},
        status=422,
    ),
    ReadRule(
        "a code search with a token",
        SEARCH,
        Get(CODE, {"q": f"loafers {SCOPE}"}),
        Get(CODE, {"q": f"loafers {SCOPE}"}, {"Authorization": None}),
        401,
    ),
    ReadRule("a User-Agent", START, Get(FILES), Get(FILES, {}, {"User-Agent": None}), 403),
    ReadRule("a good token", TOKENS, Get(FILES), Get(FILES, {}, {"Authorization": "token x"}), 401),
    ReadRule(
        "a version that is supported",
        VERSIONS,
        Get(FILES, headers={"X-GitHub-Api-Version": "2022-11-28"}),
        Get(FILES, headers={"X-GitHub-Api-Version": "2021-01-01"}),
        400,
    ),
    ReadRule("a path that is there", CONTENTS, Get(f"{FILES}/{STORE}"), Get(f"{FILES}/no"), 404),
    _query("a ref that is there", CONTENTS, FILES, {"ref": "main"}, {"ref": "no"}, status=404),
    ReadRule(
        "a repository that can be seen",
        CONTENTS,
        Get(FILES),
        Get("/repos/nobody/nothing/contents"),
        404,
    ),
    _query(
        "since is a timestamp",
        f"{GITHUB}/commits/commits",
        COMMITS,
        {"since": "2026-01-01T00:00:00Z"},
        {"since": "yesterday"},
        status=422,
    ),
    ReadRule("reading only", TOKENS, Get(FILES), Get(f"{FILES}/x", method="PUT"), 403),
]
RULES = [*KUBERNETES, *GITHUB_RULES]
