"""`nightshift envelope-keys`: what services sign and check their entries by."""

import secrets
from collections.abc import Mapping
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Annotated, Literal

import typer

from bus.errors import NotConfigured
from bus.seals import ROLES, keys_of

Step = Literal["new", "add", "switch", "drop"]
Edge = tuple[str, str]
Keys = Mapping[Edge, list[str]]


def envelope_keys(
    folder: Annotated[
        Path, typer.Argument(help="Gets one file a service, and one for `operator`.")
    ],
    *,
    step: Annotated[
        Step,
        typer.Option(
            help="`new` where there is nothing yet. To change the keys: `add`, roll out, `switch`,"
            " roll out, `drop`, roll out."
        ),
    ] = "new",
) -> None:
    """Write what NIGHTSHIFT_ENVELOPE_KEYS is for each service: a key for each two of them.

    Each file is one service's secret. Nobody else needs it, and nothing of it is printed. Keep the
    folder as safe as a password store, or delete it once the secrets are made.
    """
    try:
        if step == "new" and any((folder / role).exists() for role in ROLES):
            raise NotConfigured("keys stand there already; see --step, or take another folder")
        keys = {} if step == "new" else read(folder)
        write(folder, stepped(keys, step))
    except NotConfigured as error:
        typer.echo(f"nightshift envelope-keys: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{folder}: {', '.join(ROLES)}")


def stepped(keys: Keys, step: Step) -> Keys:
    """The keys after that step; raises NotConfigured where it is not the next one."""
    count = {"new": 0, "add": 1, "switch": 2, "drop": 2}[step]
    edges = list(combinations_with_replacement(ROLES, 2))
    if any(len(keys.get(edge, [])) != count for edge in edges):
        raise NotConfigured(f"`{step}` is for files with {count} keys for each two services")
    match step:
        case "new" | "add":
            return {edge: [*keys.get(edge, []), secrets.token_hex(32)] for edge in edges}
        case "switch":
            return {edge: keys[edge][::-1] for edge in edges}
        case "drop":
            return {edge: keys[edge][:1] for edge in edges}


def value(keys: Keys, role: str) -> str:
    """What NIGHTSHIFT_ENVELOPE_KEYS is for that role."""
    others = {
        edge[0] if edge[1] == role else edge[1]: listed
        for edge, listed in keys.items()
        if role in edge
    }
    return ",".join(f"{other}={'|'.join(listed)}" for other, listed in sorted(others.items()))


def read(folder: Path) -> Keys:
    """The keys in a folder's files; raises NotConfigured where they are not whole or disagree."""
    found: dict[Edge, list[str]] = {}
    for role in ROLES:
        try:
            text = (folder / role).read_text(encoding="utf-8")
        except OSError as error:
            raise NotConfigured(f"{folder / role} cannot be read: {error.strerror}") from None
        for other, listed in keys_of(text).items():
            edge = (role, other) if ROLES.index(role) <= ROLES.index(other) else (other, role)
            if found.setdefault(edge, [key.hex() for key in listed]) != [k.hex() for k in listed]:
                raise NotConfigured(f"the files in {folder} disagree about {role} and {other}")
    return found


def write(folder: Path, keys: Keys) -> None:
    """One file for each role, which nobody else may read; raises NotConfigured."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role in ROLES:
            file = folder / role
            if not file.exists():
                file.touch(mode=0o600)
            file.write_text(value(keys, role), encoding="utf-8")
    except OSError as error:
        raise NotConfigured(f"{folder} cannot be written: {error.strerror}") from None
