"""Terraform itself, where it is there."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.terraform import AWS

TERRAFORM = shutil.which("terraform")
PLUGINS = "TERRAFORM_PLUGIN_DIR"
"""A folder with the provider, laid out as a mirror, where no registry is to be asked."""
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="terraform is not on PATH")


def run(
    folder: Path, *words: str, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """One command in that folder; with nothing of this machine's settings but PATH."""
    return subprocess.run(
        [TERRAFORM or "terraform", f"-chdir={folder}", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            **(variables or {}),
        },
    )


def copied_module(to: Path) -> Path:
    """deploy/aws, without what somebody's Terraform left in it."""
    left = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    return Path(shutil.copytree(AWS, to / "aws", ignore=left))


def begin(folder: Path) -> None:
    """The folder is initialised; the test is skipped where the provider cannot be had."""
    plugins = [f"-plugin-dir={os.environ[PLUGINS]}"] if PLUGINS in os.environ else []
    begun = run(folder, "init", "-backend=false", "-input=false", *plugins)
    if begun.returncode and "provider" in begun.stderr:
        pytest.skip(f"the provider cannot be had; {PLUGINS} may name a folder with it")
    assert begun.returncode == 0, begun.stderr
