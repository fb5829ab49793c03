"""Images are small, locked and harmless: what can be said of them without building one."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import yaml
from packaging.requirements import Requirement

from deploy.pin_images import DIGEST, pinned
from deploy.subset_lock import normal, subset
from tests.deploy.dockerfile import DOCKERFILE, ROOT, chain, stages

SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
TARGETS = (*SERVICES, "simulator")
IMAGES = ROOT / "deploy" / "k8s" / "images" / "kustomization.yaml"
SHIPPED_BY_PIP = {"pip", "setuptools"}


def extras_of(target: str) -> list[str]:
    """The extras that a target's packages are installed from."""
    (run,) = stages()[f"{target}-packages"].of("RUN")
    script, venv, *extras = run.removeprefix("sh ").split()
    assert (script, venv) == ("/build/deploy/install.sh", "/opt/nightshift")
    return ["reasoner"] if extras == ["${REASONER_EXTRAS}"] else extras


@pytest.mark.parametrize("target", TARGETS)
def test_each_image_installs_its_own_extra_and_holds_its_own_code(target: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras_of(target) == [target]
    assert target in project["optional-dependencies"]
    copied = [text for stage in chain(target) for text in stage.of("COPY")]
    assert f"--from={target}-packages /opt/nightshift/ /opt/nightshift/" in copied
    others = {f"services/{name}/" for name in SERVICES if name != target}
    if target in SERVICES:
        assert not others & {text.split()[0] for text in copied}
        assert stages()[target].of("CMD") == [f'["python", "-m", "services.{target}"]']


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_nobody_and_says_whether_it_is_well(target: str) -> None:
    made_of = chain(target)
    assert made_of[0].of("USER") == ["10001:10001"]
    after = [word for word, _ in made_of[0].lines]
    assert "RUN" not in after[after.index("USER") :], "nothing is done as that user"
    checks = [text for stage in made_of for text in stage.of("HEALTHCHECK")]
    assert checks, target
    labels = " ".join(text for stage in made_of for text in stage.of("LABEL"))
    for label in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{label}=" in labels


def test_one_base_from_outside_and_no_other_download() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    found = stages()
    assert {stage.base for stage in found.values()} - found.keys() == {"${BASE_IMAGE}"}
    assert not [stage for stage in found.values() if stage.of("ADD")]
    runs = [run for stage in found.values() for run in stage.of("RUN")]
    for word in ("http", "curl", "wget", "git ", "pip install", "npm"):
        assert not [run for run in runs if word in run], word
    assert [run for run in runs if "apt-get" in run] == found["base"].of("RUN")
    assert "# syntax=" not in text, "it would fetch a builder's front end"


def test_what_a_stage_runs_and_what_it_calls_is_plain_shell() -> None:
    scripts = ["deploy/install.sh", "deploy/images.sh", "deploy/k8s/base/redis/render-users.sh"]
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in scripts]
    texts += [run for stage in stages().values() for run in stage.of("RUN")]
    for text in texts:
        ended = subprocess.run(
            ["/bin/sh", "-n"], input=text, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, ""), text


def test_packages_come_from_wheels_by_hash_and_from_the_given_folder_alone() -> None:
    script = (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    for option in ("--require-hashes", "--only-binary :all:", "--no-deps"):
        assert option in script
    assert "--isolated install --no-index --find-links" in script
    assert 'pip --python "$venv/bin/python" check' in script


@pytest.mark.parametrize("target", [*TARGETS, "bedrock", "vertex"])
def test_the_part_of_the_lock_holds_all_that_its_packages_ask_for(target: str) -> None:
    texts = [
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("requirements.lock", "pyproject.toml")
    ]
    part = subset(texts[0], texts[1], [target])
    lines = [line for line in part.splitlines() if line[0].isalnum()]
    locked = {Requirement(line.rstrip("\\ ")) for line in lines}
    names = {normal(each.name) for each in locked}
    missing = {
        f"{each.name} wants {wanted}"
        for each in locked
        for wanted in wanted_by(each)
        if normal(wanted) not in names | SHIPPED_BY_PIP
    }
    assert missing == set()
    assert part.count("--hash=sha256:") >= len(lines)
    assert "pytest" not in names


def wanted_by(locked: Requirement) -> set[str]:
    """What the installed package requires here, with the extras that the lock names."""
    try:
        said = [Requirement(text) for text in requires(locked.name) or []]
    except PackageNotFoundError:
        return set()  # for another system or another Python
    extras = ["", *locked.extras]
    return {
        each.name
        for each in said
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
    }


def test_only_what_a_stage_copies_reaches_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!").removesuffix("/**") for rule in rules if rule[0] == "!"}
    copied = {
        source.rstrip("/")
        for stage in stages().values()
        for text in stage.of("COPY")
        if not text.startswith("--from")
        for source in text.split()[:-1]
    }
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in let_in or source in let_in, source
    for name in let_in:
        assert [source for source in copied if source.startswith(name)], f"{name} is not copied"


def built(root: Path = ROOT, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`images.sh build` with those variables, and a builder that only says what it was told."""
    return subprocess.run(
        ["/bin/sh", str(root / "deploy" / "images.sh"), "build"],
        env={"PATH": "/usr/bin:/bin", "BUILDER": "echo", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_images_are_built_with_the_names_of_the_one_list() -> None:
    said = built(BASE_IMAGE="debian:12").stdout
    listed = yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["images"]
    for service in SERVICES:
        (row,) = [row for row in listed if row["name"] == f"nightshift.invalid/{service}"]
        name = f"{row.get('newName', row['name'])}:{row['newTag']}"
        assert f"--target {service} --tag {name} --build-arg BASE_IMAGE=debian:12" in said


def test_what_podman_and_buildah_build_has_the_name_that_a_cluster_asks_for_too(
    tmp_path: Path,
) -> None:
    """They call a name without a registry `localhost/…`, and no kubelet asks for that one."""
    for name in ("deploy/images.sh", "deploy/k8s/images/kustomization.yaml", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert "docker.io" not in built(tmp_path, BASE_IMAGE="debian:12").stdout
    listed = tmp_path / "deploy/k8s/images/kustomization.yaml"
    rows = yaml.safe_load(listed.read_text(encoding="utf-8"))
    for row in rows["images"]:
        row["newName"] = row["name"].replace("nightshift.invalid", "somebody")
    listed.write_text(yaml.safe_dump(rows), encoding="utf-8")
    said = built(tmp_path, BASE_IMAGE="debian:12").stdout
    for service in SERVICES:
        assert f"--tag somebody/{service}:" in said
        assert f"--tag docker.io/somebody/{service}:" in said


def test_no_image_of_ours_can_be_a_stranger_s_who_has_its_name_at_a_registry() -> None:
    rows = yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["images"]
    names = [row["name"] for row in rows if "/".join(row["name"].split("/")[1:]) in SERVICES]
    assert len(names) == len(SERVICES)
    assert all(name.partition("/")[0].endswith(".invalid") for name in names)
    text, missing = pinned(
        "images:\n" + "".join(f"  - name: {name}\n    newTag: 0.1.0\n" for name in names)
    )
    assert "digest" not in text
    assert missing == [
        f"{name}:0.1.0 was not pinned: give it a newName at a registry of yours, build, and push it"
        for name in names
    ]


def test_build_without_a_base_or_without_wheels_says_what_to_give(tmp_path: Path) -> None:
    without = built()
    assert (without.returncode, without.stdout) == (1, "")
    assert without.stderr.startswith("images: BASE_IMAGE is not set: any Debian 12")
    empty = built(BASE_IMAGE="debian:12", WHEELS=str(tmp_path))
    assert empty.stderr == f"images: there is no wheel in {tmp_path}\n"


class Registry(BaseHTTPRequestHandler):
    """A registry that wants a token, and knows one image."""

    digest: ClassVar[str] = "sha256:" + "5e" * 32

    def do_GET(self) -> None:
        self.answer(200, body=json.dumps({"token": "given"}).encode())

    def do_HEAD(self) -> None:
        if self.headers["Authorization"] != "Bearer given":
            realm = f"http://{self.headers['Host']}/token"
            self.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
        elif self.path == "/v2/nightshift/ingest/manifests/0.1.0":
            self.answer(200, {"Docker-Content-Digest": self.digest})
        else:
            self.answer(404)

    def answer(
        self, code: int, headers: Mapping[str, str] | None = None, *, body: bytes = b""
    ) -> None:
        self.send_response(code)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_pinning_writes_what_the_registry_says_and_nothing_else() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    Thread(target=server.serve_forever, daemon=True).start()
    at = f"127.0.0.1:{server.server_address[1]}"
    before = (
        f"images:\n  - name: nightshift.invalid/ingest\n    newName: {at}/nightshift/ingest\n"
        f"    newTag: 0.1.0\n    digest: sha256:{'0' * 64}\n"
        f"  - name: redis\n    newName: {at}/redis\n    newTag: 7.2-bookworm\n"
        f"    digest: sha256:{'1' * 64}\n"
    )
    try:
        text, missing = pinned(before)
    finally:
        server.shutdown()
        server.server_close()
    rows = yaml.safe_load(text)["images"]
    assert [row.get("digest") for row in rows] == [Registry.digest, None]
    assert [row["newTag"] for row in rows] == ["0.1.0", "7.2-bookworm"]
    assert missing == [f"{at}/redis:7.2-bookworm was not pinned: the registry answered 404"]
    assert pinned(text.replace(at, "127.0.0.1:1"))[0].count("digest") == 0


def test_no_digest_stands_in_the_list_that_no_registry_named() -> None:
    for row in yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["images"]:
        assert row["newTag"] not in ("", "latest")
        assert DIGEST.fullmatch(row.get("digest", Registry.digest))


def test_subset_runs_with_nothing_but_python(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "subset_lock.py"
    command = [sys.executable, "-I", str(script), "requirements.lock", "pyproject.toml", "notifier"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("slack-sdk==") == 1
