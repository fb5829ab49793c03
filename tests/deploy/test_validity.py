"""Every object against the schemas of its kind, as Kubernetes, KEDA and Prometheus publish them.

`make validate` fetches the first; the others are the CustomResourceDefinitions of a cluster or of a
release, named by CRDS. What others publish is not kept here.
"""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.deploy.kubernetes_schemas import OTHERS, faults, needs_validator
from tests.deploy.manifests import (
    COMPOSED,
    EVERYTHING,
    Object,
    all_pinned,
    kind_of,
    named,
    needs_kubectl,
    rendered,
)
from tests.lane import Lane

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(300)]
CRDS = [Path(each) for each in os.environ.get("CRDS", "").split(":") if each]
OWN = """
kind: CustomResourceDefinition
spec:
  names: {kind: Thing}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            kind: {type: string}
            metadata: {type: object}
            spec:
              type: object
              properties:
                size: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                words: {type: object, additionalProperties: {type: string}}
                parts: {type: array, items: {type: object, properties: {name: {type: string}}}}
"""


@pytest.fixture(scope="module")
def objects(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Those of the overlays and of all components composed; in the full lane of each one alone."""
    if lane.full:
        found = all_pinned(tmp_path_factory.mktemp("all"))
    else:
        found = {name: rendered(name) for name in EVERYTHING}
    return [each for every in found.values() for each in every]


@needs_validator
@pytest.mark.parametrize("version", ["1.30", ""], ids=["1.30", "newest"])
def test_every_object_is_valid(objects: list[Object], tmp_path: Path, version: str) -> None:
    assert faults(objects, tmp_path, version=version) == []


@needs_validator
def test_a_word_that_kubernetes_does_not_know_is_told(tmp_path: Path) -> None:
    broken = deepcopy(named("base", "Deployment", "ingest"))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    (fault,) = faults([broken], tmp_path)
    assert "terminationGracePeriod" in fault


@pytest.mark.skipif(not CRDS, reason="CRDS names no file with CustomResourceDefinitions")
def test_every_object_of_other_people_s_kinds_is_as_they_define_it() -> None:
    schemas = dict(schema for file in CRDS for schema in definitions(file.read_text("utf-8")))
    assert {"ScaledObject", "TriggerAuthentication"} <= {kind for kind, _ in schemas}
    given = [each for name in COMPOSED for each in kind_of(name, *OTHERS)]
    checked = [each for each in given if key_of(each) in schemas]
    assert {each["kind"] for each in given} - {kind for kind, _ in schemas} <= {
        *("PodMonitor", "PrometheusRule", "CiliumNetworkPolicy")
    }
    for each in checked:
        schemas[key_of(each)].validate(each)


def test_a_definition_is_read_as_an_api_server_reads_it_and_takes_no_other_field() -> None:
    ((key, schema),) = definitions(OWN)
    assert key == ("Thing", "v1")
    fine = {"kind": "Thing", "metadata": {"name": "x"}, "spec": {"size": 3, "words": {"a": "b"}}}
    schema.validate(fine)
    for wrong in ({"sizes": 3}, {"words": {"a": 1}}, {"parts": [{"named": "x"}]}, {"size": 1.5}):
        assert not schema.is_valid(fine | {"spec": wrong}), wrong


def key_of(each: Object) -> tuple[str, str]:
    """Kind and version."""
    return each["kind"], each["apiVersion"].rpartition("/")[2]


def definitions(text: str) -> Iterator[tuple[tuple[str, str], Draft202012Validator]]:
    """The schemas in it, by kind and version: of many documents, or of one list of them."""
    documents = [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each]
    for each in [item for one in documents for item in one.get("items", [one])]:
        if each["kind"] == "CustomResourceDefinition":
            for version in each["spec"]["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema.get("properties", {})["metadata"] = {"type": "object"}
                yield (
                    (each["spec"]["names"]["kind"], version["name"]),
                    Draft202012Validator(schema),
                )


def closed(schema: Object) -> Object:
    """The same, but a field that it does not name is wrong; an API server would drop it."""
    found = {key: inner(value) for key, value in schema.items()}
    if "properties" in found and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def inner(value: object) -> object:
    """Schemas in it closed as well."""
    if isinstance(value, dict):
        return closed(value)
    return [inner(each) for each in value] if isinstance(value, list) else value
