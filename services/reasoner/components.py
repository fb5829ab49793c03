"""Components: named only where they were seen.

A component was seen when each of its words stands in the incident, in the service catalogue or in a
line of a result. Words for kinds of things (`service`, `memory limit`) and for what is wrong with
them (`too low`) are free, but name nothing alone; nor does a namespace, which counts where a call
for it answered with another word of the component. What a call asked for and its answer only
repeats was not seen by that.
"""

import re
from collections.abc import Iterable, Mapping

from services.reasoner.sources import Known, Source, said

_FREE = re.compile(
    r"(?:the|a|an|its|of|in|on|at|to|from|for|and|or|with|by|via|behind|between|service|"
    r"services|deployment|deployments|statefulset|daemonset|replicaset|pod|pods|container|"
    r"containers|node|nodes|namespace|cluster|workload|component|application|app|server|"
    r"job|cronjob|kubernetes|memory|cpu|disk|storage|volume|network|limit|limits|request|"
    r"requests|quota|resource|resources|store|database|db|cache|queue|topic|broker|client|"
    r"connection|connections|pool|timeout|config|configuration|setting|settings|code|"
    r"handler|image|version|secret|environment|variable|manifest|template|probe|probes|"
    r"health|check|api|endpoint|method|function|class|module|library|dependency|layer|"
    r"process|thread|startup|rollout|release|feature|flag|backend|upstream|downstream|"
    r"external|internal|\d+)\Z"
)
_DESCRIBES = re.compile(
    r"(?:jvm|heap|runtime|garbage|collector|grpc|rpc|http|https|tcp|tls|call|calls|"
    r"calling|path|logic|size|count|replica|replicas|load|traffic|restart|restarts|port|ports|"
    r"selector|label|labels|policy|tag|variables|variable|value|default|is|are|not|no|too|low|high|"
    r"small|large|slow|down|missing|unreachable|unavailable|unhealthy|overloaded|saturated|"
    r"exhausted|exhaustion|throttled|failing|failed|failure|crashing|crashed|crash|loop|broken|"
    r"wrong|invalid|expired|misconfigured|misconfiguration|leak|error|errors|oom)\Z"
)
_BETWEEN = re.compile(r"[\s/:;,()\[\]<>=@'\u2019\"`&+|*\u2192\u2013\u2014]+|->")
_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")
_APART = re.compile(r"[ _-]+")


def component_problem(component: str, sources: Mapping[str, Source], *, known: Known) -> str:
    """Why a component is not one that was seen; empty when it is one, or none is named."""
    services = {name.casefold() for name in known.services}
    if _together(component.casefold()) in map(_together, services):
        return ""
    parts = _BETWEEN.split(_POSSESSIVE.sub("", component.casefold()))
    words = [word for part in parts if (word := part.strip(".-_"))]
    names = [w for w in words if w in services or not _FREE.match(w)]
    seen = [w for w in names if w in services or said(w, sources, known=known)]
    for word in names:
        if word in seen or _DESCRIBES.match(word):
            continue
        if not _is_namespace(word, seen, sources=sources):
            return f"{word!r} stands neither in the incident nor in any result"
    return "" if seen or not component.strip() else f"{component.strip()!r} names nothing"


def _is_namespace(word: str, others: Iterable[str], *, sources: Mapping[str, Source]) -> bool:
    """Whether a call asked for that namespace, and its answer names one of the other words."""
    answers = {
        name: source
        for name, source in sources.items()
        if str(source.arguments.get("namespace", "")).casefold() == word
    }
    return any(said(other, answers, known=Known()) for other in others)


def _together(name: str) -> str:
    """A name without blanks and dashes, as in `Product Catalog Service`."""
    return _APART.sub("", name.strip())
