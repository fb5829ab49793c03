"""Write the digest behind each tag into deploy/k8s/images: `make pin-images`.

A registry is asked for every image of the list; where it answers, its digest is written down. What
could not be looked up keeps its tag alone, is named, and makes this end with 1: production does not
render with it. No digest comes from anywhere but a registry's own answer, and our own images are
looked for nowhere until they have a `newName`: whoever has their name elsewhere is a stranger.
Registries that want a login take it from REGISTRY_USER and REGISTRY_PASSWORD. Needs nothing but
Python.
"""

import base64
import json
import os
import re
import sys
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

LIST = Path(__file__).parent / "k8s" / "images" / "kustomization.yaml"
HUB, HUB_API = "docker.io", "registry-1.docker.io"
NOBODYS = ".invalid"
"""The end of a host's name that no registry can have (RFC 2606)."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class NotFound(Exception):
    """The registry did not say which digest stands behind the tag; the text says why."""


@dataclass(frozen=True)
class Image:
    """A repository at a registry, and a tag there."""

    registry: str
    repository: str
    tag: str

    @classmethod
    def of(cls, name: str, tag: str) -> "Image":
        """As Docker reads it: the first part is a registry where it looks like a host."""
        first, _, rest = name.partition("/")
        if rest and ("." in first or ":" in first or first == "localhost"):
            return cls(first, rest, tag)
        return cls(HUB, name if rest else f"library/{name}", tag)

    @property
    def url(self) -> str:
        """Where its manifest is asked for; on this machine without TLS, as Docker does."""
        host = HUB_API if self.registry == HUB else self.registry
        local = re.fullmatch(r"(localhost|127\.0\.0\.1)(:\d+)?", host)
        return f"http{'' if local else 's'}://{host}/v2/{self.repository}/manifests/{self.tag}"


def digest_of(image: Image) -> str:
    """The digest that the registry answers with; raises NotFound."""
    if image.registry.endswith(NOBODYS):
        raise NotFound("give it a newName at a registry of yours, build, and push it")
    try:
        headers = _asked(image.url, token="")
    except HTTPError as error:
        if error.code != 401:
            raise NotFound(f"the registry answered {error.code}") from None
        headers = _asked_again(image, str(error.headers.get("WWW-Authenticate", "")))
    except (OSError, HTTPException) as error:
        raise NotFound(f"the registry does not answer: {error}") from None
    found = str(headers.get("Docker-Content-Digest", ""))
    if not DIGEST.fullmatch(found):
        raise NotFound("the registry named no digest")
    return found


def pinned(text: str) -> tuple[str, list[str]]:
    """The list with what could be looked up, and a sentence for each image that could not."""
    kept, missing = [], []
    for entry in re.split(r"(?m)^(?=  - name: )", text):
        said = {key: value.strip("\"'") for key, value in _FIELD.findall(entry)}
        if "newTag" not in said:
            kept.append(entry)
            continue
        name = said.get("newName", said["name"])
        bare = re.sub(r"(?m)^    digest: .*\n", "", entry)
        try:
            digest = digest_of(Image.of(name, said["newTag"]))
            kept.append(re.sub(r"(?m)^(    newTag: .*\n)", rf"\1    digest: {digest}\n", bare))
        except NotFound as error:
            missing.append(f"{name}:{said['newTag']} was not pinned: {error}")
            kept.append(bare)
    return "".join(kept), missing


_FIELD = re.compile(r"(?m)^(?:  - |    )(name|newName|newTag): *(\S+)")


def _asked(url: str, *, token: str) -> HTTPMessage:
    headers = {"Accept": KINDS} | ({"Authorization": token} if token else {})
    with urlopen(Request(url, headers=headers, method="HEAD"), timeout=15) as answer:
        found: HTTPMessage = answer.headers
        return found


def _asked_again(image: Image, challenge: str) -> HTTPMessage:
    login = _login()
    try:
        if challenge.lower().startswith("basic"):
            return _asked(image.url, token=login)
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {"service": said.get("service", ""), "scope": f"repository:{image.repository}:pull"}
        url = f"{said.get('realm', '')}?{urlencode(query)}"
        if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise NotFound("the registry wants a login in a way that is not known here")
        request = Request(url, headers={"Authorization": login} if login else {})
        with urlopen(request, timeout=15) as answer:
            told = json.load(answer)
        return _asked(image.url, token=f"Bearer {told.get('token') or told.get('access_token')}")
    except HTTPError as error:
        raise NotFound(f"the registry answered {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotFound(f"the registry does not answer: {error}") from None


def _login() -> str:
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    if not user or not password:
        return ""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def main(path: Path = LIST) -> int:
    """0 where every image has a digest from its registry."""
    text, missing = pinned(path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    for sentence in missing:
        sys.stderr.write(f"pin-images: {sentence}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
