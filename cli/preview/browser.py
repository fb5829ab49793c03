"""Chromium, found on this machine and asked for a picture of a page, or for what it made of it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HINT = (
    "on Debian: apt-get install --no-install-recommends chromium fonts-lato fonts-noto-color-emoji"
)
WIDTH, MOST_HEIGHT = 720, 3200
SECONDS = 60.0


class NoBrowser(Exception):
    """There is no Chromium here, or it did not do what it was asked for."""


def browser() -> str:
    """The path of the browser; raises NoBrowser with what to install."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoBrowser(f"there is none of {', '.join(NAMES)} on PATH; {HINT}")
    return found


def version() -> str:
    """Which one it is."""
    return _run("--version").decode("utf-8", "replace").strip()


def picture(page: str) -> bytes:
    """The page as PNG in the light look, as tall as the window; raises NoBrowser."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "picture.png"
        _opened(page, f"--screenshot={target}", folder=Path(folder))
        try:
            return target.read_bytes()
        except OSError:
            raise NoBrowser("the browser made no picture") from None


def document(page: str) -> str:
    """The page as the browser read it: every element that it found; raises NoBrowser."""
    with tempfile.TemporaryDirectory() as folder:
        return _opened(page, "--dump-dom", folder=Path(folder)).decode("utf-8", "replace")


def _opened(page: str, wanted: str, *, folder: Path) -> bytes:
    file = folder / "page.html"
    file.write_bytes(page.encode("utf-8", "xmlcharrefreplace"))
    return _run(
        "--headless",
        "--disable-gpu",
        "--disable-lcd-text",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        f"--window-size={WIDTH},{MOST_HEIGHT}",
        f"--user-data-dir={folder / 'profile'}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # as root it has none
        wanted,
        file.as_uri(),
    )


def _run(*arguments: str) -> bytes:
    try:
        done = subprocess.run(
            [browser(), *arguments], capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoBrowser(f"the browser failed: {error}") from None
    return done.stdout
