"""Every kustomization renders; the one for production only with every image pinned."""

from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import (
    COMPONENTS,
    COMPOSED,
    EVERYTHING,
    K8S,
    OVERLAYS,
    SERVICES,
    NotRendered,
    Object,
    alone,
    containers,
    needs_kubectl,
    pinned,
    render,
    rendered,
)

pytestmark = [
    needs_kubectl,
    pytest.mark.xdist_group("manifests"),
    pytest.mark.timeout(60),
]


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_renders_and_no_two_objects_are_one(name: str) -> None:
    ids = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in rendered(name)
    ]
    assert len(ids) == len(set(ids))
    assert all(namespace or kind == "Namespace" for kind, namespace, _ in ids)


def test_one_overlay_can_be_applied_over_another() -> None:
    """An API server takes no change of these fields; a newcomer goes from `trial` to the others."""
    kept = {name: fixed(rendered(name)) for name in OVERLAYS}
    for name, found in kept.items():
        for key in found.keys() & kept["base"].keys():
            assert found[key] == kept["base"][key], f"{name}: {key}"
    assert len(kept["base"]) == 5


def fixed(objects: list[Object]) -> dict[str, Object]:
    """What cannot be changed in a workload, by its name."""
    changeable = {"replicas", "template", "updateStrategy", "strategy", "revisionHistoryLimit"}
    found = {}
    for each in filter(has_pods, objects):
        spec = {key: value for key, value in each["spec"].items() if key not in changeable}
        found[each["metadata"]["name"]] = spec
    return found


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_renders_upon_the_base_alone(component: str, tmp_path: Path) -> None:
    assert render(alone(component, tmp_path)) != rendered("base")


def test_every_component_says_what_it_is_and_is_composed() -> None:
    places = (*COMPOSED, "overlays/online-boutique", "overlays/local")
    files = [K8S / each / "kustomization.yaml" for each in places]
    files += (K8S / "components").glob("*/kustomization.yaml")
    texts = [file.read_text() for file in files]
    for component in COMPONENTS:
        assert (K8S / "components" / component / "README.md").is_file(), component
        assert any(f"/{component}\n" in text for text in texts), component


def test_every_image_has_its_tag_from_the_one_file() -> None:
    images = yaml.safe_load((K8S / "images/kustomization.yaml").read_text())["images"]
    known = {reference(each) for each in images}
    used = {container["image"] for name in EVERYTHING for _, container in containers(name)}
    # The simulator's goes with ingest's, in its overlay as in images.sh.
    (ingest,) = [image for image in known if "ingest" in image]
    assert used == {*known, ingest.replace("ingest", "simulator")}


def reference(image: dict[str, str]) -> str:
    """What kustomize makes of an entry of the list."""
    digest = f"@{image['digest']}" if "digest" in image else ""
    return f"{image.get('newName', image['name'])}:{image['newTag']}{digest}"


@pytest.mark.parametrize("name", [*SERVICES, "redis"])
def test_production_does_not_render_while_one_image_has_no_digest(
    tmp_path: Path, name: str
) -> None:
    folder = pinned(tmp_path)
    file = folder / "images/kustomization.yaml"
    images = yaml.safe_load(file.read_text())
    for image in images["images"]:
        if image["name"].rpartition("/")[2] == name:
            image.pop("digest")
    file.write_text(yaml.safe_dump(images))
    with pytest.raises(NotRendered, match=rf"out of bounds for value \S*{name}:"):
        render(folder / "overlays/production")


def test_in_production_every_image_has_its_digest_noted_on_the_pod(tmp_path: Path) -> None:
    objects = render(pinned(tmp_path / "pinned") / "overlays/production")
    assert not [each for each in objects if each["metadata"]["name"].startswith("stand-ins")]
    pods = [each for each in objects if has_pods(each)]
    assert len(pods) == 5
    named = [each for each in pods if {"configMapRef": {"name": "store"}} in sources_of(each)]
    assert {each["metadata"]["name"] for each in named} == set(SERVICES)
    for template in (each["spec"]["template"] for each in pods):
        spec, noted = template["spec"], template["metadata"]["annotations"]
        for each in (*spec.get("initContainers", []), *spec["containers"]):
            assert "@sha256:" in each["image"]
            assert f"nightshift-{each['name']}-digest" in noted, "pinned.yaml asks about it"


def sources_of(each: Object) -> list[Object]:
    return list(each["spec"]["template"]["spec"]["containers"][0].get("envFrom", []))


def has_pods(each: Object) -> bool:
    return each["kind"] in ("Deployment", "StatefulSet")
