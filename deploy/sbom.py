"""A CycloneDX document for each image: `python -m deploy.sbom CYCLONEDX_PY FOLDER`.

Each lists the part of requirements.lock that its image is installed from, every package with the
hashes of its wheels. cyclonedx-py writes it and checks it against CycloneDX's schema; it is then
read back and compared with that part. Needs nothing but Python and that one program.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from deploy.subset_lock import normal, read_lock, subset

ROOT = Path(__file__).parents[1]
EXTRAS = ("ingest", "reasoner", "toolrunner", "notifier", "simulator", "bedrock", "vertex")
"""An image for each; the last two are what the reasoner's may hold more."""
SUFFIX = ".cdx.json"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VERSION = re.compile(r"[^=;]+==([^ ;\\]+)")
Contents = dict[tuple[str, str], frozenset[str]]
"""The SHA-256 sums of each package, by its name and version."""


def of_lock(part: str) -> Contents:
    """What a lock holds."""
    found: Contents = {}
    for name, rows in read_lock(part).items():
        for row in rows:
            version = _VERSION.match(row.lines[0])
            if version is None:
                raise ValueError(f"{name} has no version in the lock")
            found[name, version[1]] = frozenset(_HASH.findall("\n".join(row.lines)))
    return found


def of_document(document: str) -> Contents:
    """What a CycloneDX document in JSON holds."""
    found: Contents = {}
    for component in json.loads(document).get("components", ()):
        sums = {
            each["content"]
            for reference in component.get("externalReferences", ())
            for each in reference.get("hashes", ())
            if each["alg"] == "SHA-256"
        }
        found[normal(component["name"]), component["version"]] = frozenset(sums)
    return found


def part_of(extra: str) -> str:
    """The lines of our lock that this extra needs."""
    names = ("requirements.lock", "pyproject.toml")
    lock, project = ((ROOT / name).read_text(encoding="utf-8") for name in names)
    return subset(lock, project, [extra])


def written(extra: str, program: str) -> str:
    """The document of that extra.

    Raises CalledProcessError, or ValueError where it is not what the lock holds.
    """
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    part = part_of(extra)
    with tempfile.TemporaryDirectory() as folder:
        # The document is about what its pyproject.toml names.
        about = Path(folder) / "pyproject.toml"
        about.write_text(
            f'[project]\nname = "nightshift-{extra}"\nversion = "{project["version"]}"\n'
            f'license = "{project["license"]}"\n',
            encoding="utf-8",
        )
        command = [program, "requirements", "--output-reproducible", "--validate"]
        command += ["--pyproject", str(about), "-"]
        done = subprocess.run(command, input=part, stdout=subprocess.PIPE, text=True, check=True)
    if of_document(done.stdout) != of_lock(part):
        raise ValueError(f"the document of {extra} is not what the lock holds for it")
    return done.stdout


def main(program: str, folder: Path) -> int:
    """0 once every document lies in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for extra in EXTRAS:
        document = written(extra, program)
        (folder / f"{extra}{SUFFIX}").write_text(document, encoding="utf-8")
        sys.stdout.write(f"{folder / extra}{SUFFIX}: {len(of_document(document))} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
