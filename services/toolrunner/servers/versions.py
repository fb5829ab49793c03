"""Which revision of the source is deployed, as far as labels, annotations or image tags tell."""

import re
from collections.abc import Iterable

from services.toolrunner.servers.rows import Fields, noted

_REVISION = "org.opencontainers.image.revision"
_VERSION = "app.kubernetes.io/version"
_REF = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_COMMIT_TAG = re.compile(r"(?:^|[-_.])(?:sha-|git-|g)?([0-9a-f]{7,40})$")


def deployed(owners: Iterable[Fields], images: Iterable[str]) -> dict[str, str]:
    """`ref`, which the github tools take, and `ref_from`, where it stands; empty: nothing tells.

    `owners` are objects with metadata, the closest to the pod first. A commit counts for more than
    a version, of which nobody knows whether the repository has a tag of that name.
    """
    known = list(owners)
    for ref in (_noted(owner, _REVISION) for owner in known):
        if ref:
            return {"ref": ref, "ref_from": _REVISION}
    for ref in map(commit_in, images):
        if ref:
            return {"ref": ref, "ref_from": "image tag"}
    for ref in (_noted(owner, _VERSION) for owner in known):
        if ref:
            return {"ref": ref, "ref_from": _VERSION}
    return {}


def commit_in(image: str) -> str:
    """The commit that an image's tag is, or ends with; empty where it is none.

    Seven figures may be a date or a build number, so a short one needs a letter and a figure.
    """
    _, colon, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    found = _COMMIT_TAG.search(tag) if colon else None
    if found is None:
        return ""
    commit = found[1]
    mixed = re.search("[a-f]", commit) and re.search("[0-9]", commit)
    return commit if mixed or len(commit) == 40 else ""


def _noted(owner: Fields, name: str) -> str:
    for kind in ("annotations", "labels"):
        value = noted(owner, f"metadata.{kind}", name=name)
        if _REF.fullmatch(value):
            return value
    return ""
