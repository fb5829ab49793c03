"""The SBOM of an image names exactly what its part of the lock holds, or it is not written."""

import json
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest

from deploy.sbom import EXTRAS, Contents, main, of_document, of_lock, part_of, written
from tests.deploy.test_images import TARGETS
from tests.house.sources import ROOT
from tests.lane import Lane

TOOL = shutil.which("cyclonedx-py") or str(ROOT / ".nightshift/cyclonedx/bin/cyclonedx-py")
A, B, C = (letter * 64 for letter in "abc")
LOCK = f"""\
first-part==1.2.3 ; python_full_version < '3.11.3' \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
second-part[some,more]==2.0 \\
    --hash=sha256:{C}
"""
WRITER = """\
#!{python}
import json, re, sys
components = []
for line in sys.stdin.read().replace("\\\\\\n", " ").splitlines():
    name, version = re.match(r"([^[=]+).*?==(\\S+)", line).groups()
    hashes = [{{"alg": "SHA-256", "content": each}} for each in re.findall("[0-9a-f]{{64}}", line)]
    held = {{"externalReferences": [{{"hashes": hashes}}]}}
    components.append({{"name": name, "version": version}} | held)
about = open(sys.argv[sys.argv.index("--pyproject") + 1]).read()
print(json.dumps({{"about": about, "components": components[{first}:]}}))
"""
"""Stands in for cyclonedx-py: it leaves the first so many packages out."""


def component(name: str, version: str, *sums: str) -> dict[str, object]:
    """As cyclonedx-py 7.5 wrote it, what is not asked for left out."""
    hashes = [{"alg": "SHA-256", "content": each} for each in sums]
    return {
        "bom-ref": "requirements-L1",
        "externalReferences": [{"hashes": hashes, "type": "distribution"}],
        "name": name,
        "purl": f"pkg:pypi/{name}@{version}",
        "type": "library",
        "version": version,
    }


def document(*components: dict[str, object]) -> str:
    return json.dumps({"bomFormat": "CycloneDX", "components": components})


def test_a_document_and_a_lock_are_the_same_by_name_version_and_hashes() -> None:
    first, second = component("First_Part", "1.2.3", A, B), component("second-part", "2.0", C)
    held: Contents = of_lock(LOCK)
    assert held == {("first-part", "1.2.3"): {A, B}, ("second-part", "2.0"): {C}}
    assert of_document(document(first, second)) == held
    for changed in (
        document(first),
        document(component("first-part", "1.2.3", A), second),
        document(component("first-part", "1.2.4", A, B), second),
        document(first, second, component("third", "1", C)),
    ):
        assert of_document(changed) != held


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_document_is_about_all_that_the_image_is_installed_from(extra: str) -> None:
    part = part_of(extra)
    lines = [line for line in part.splitlines() if line[0].isalnum()]
    held = of_lock(part)
    assert [name for name, _ in held] == [re.split(r"[\[=]", line)[0] for line in lines]
    assert all(held.values()), "a package without a hash"


def test_every_image_has_a_document() -> None:
    assert {*TARGETS, "bedrock", "vertex"} == set(EXTRAS)


def program(folder: Path, *, leaves_out: int) -> str:
    path = folder / "cyclonedx-py"
    path.write_text(WRITER.format(python=sys.executable, first=leaves_out), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_every_document_lies_in_the_folder_and_names_its_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sbom"
    assert main(program(tmp_path, leaves_out=0), out) == 0
    assert {path.name for path in out.iterdir()} == {f"{extra}.cdx.json" for extra in EXTRAS}
    for extra in EXTRAS:
        text = (out / f"{extra}.cdx.json").read_text(encoding="utf-8")
        assert of_document(text) == of_lock(part_of(extra))
        assert f'name = "nightshift-{extra}"' in json.loads(text)["about"]
    assert capsys.readouterr().out.count(" packages\n") == len(EXTRAS)


def test_a_document_that_leaves_a_package_out_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the document of notifier is not what the lock holds"):
        written("notifier", program(tmp_path, leaves_out=1))


@pytest.mark.timeout(120)
def test_cyclonedx_py_writes_what_the_lock_holds_for_the_notifier(lane: Lane) -> None:
    if not lane.full or not Path(TOOL).is_file():
        pytest.skip("the full lane, where `make sbom` has fetched cyclonedx-py")
    found = json.loads(written("notifier", TOOL))
    assert found["metadata"]["component"]["name"] == "nightshift-notifier"
    assert found["specVersion"] >= "1.6"
