"""`nightshift envelope-keys`: one file a service, for nobody else; three steps to change them."""

from pathlib import Path

import pytest
import typer

from bus.seals import ROLES, keys_of
from cli.envelope_keys import Step, envelope_keys


def test_keys_are_written_for_each_service_alone_and_changed_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    steps: tuple[Step, ...] = ("new", "add", "switch", "drop")
    kept: list[str] = []
    for step in steps:
        envelope_keys(folder, step=step)
        kept.append((folder / "ingest").read_text())

    last = {role: (folder / role).read_text() for role in ROLES}
    assert keys_of(last["ingest"])["reasoner"] == keys_of(last["reasoner"])["ingest"]
    assert [len(keys_of(text)["reasoner"]) for text in kept] == [1, 2, 2, 1]
    assert kept[0] != kept[-1]
    assert {(folder / role).stat().st_mode & 0o777 for role in ROLES} == {0o600}
    assert keys_of(kept[-1])["reasoner"][0].hex() not in capsys.readouterr().out


@pytest.mark.parametrize("step", ["new", "switch", "drop"])
def test_a_step_that_is_not_the_next_one_changes_nothing(
    tmp_path: Path, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    envelope_keys(tmp_path, step="new")
    before = (tmp_path / "ingest").read_text()

    with pytest.raises(typer.Exit):
        envelope_keys(tmp_path, step=step)

    said = capsys.readouterr().err
    assert "keys stand there already" in said or f"`{step}` is for" in said
    assert (tmp_path / "ingest").read_text() == before
