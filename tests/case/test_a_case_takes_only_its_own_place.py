"""Writing is all or nothing, and touches nothing that is not a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch.case import read_case, write_case
from stillwatch.case import write as writing
from stillwatch.domain.errors import InputError
from tests.report.example import example


def test_an_earlier_case_is_replaced_and_its_report_goes_with_it(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "case")
    (tmp_path / "case" / "report.html").write_text("old")
    case = example()
    case.campaigns = ()
    write_case(case, tmp_path / "case")
    assert read_case(tmp_path / "case").campaigns == ()
    assert not (tmp_path / "case" / "report.html").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_an_empty_directory_and_missing_parents_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_case(example(), tmp_path / "empty")
    write_case(example(), tmp_path / "a" / "b" / "case")
    assert len(read_case(tmp_path / "a" / "b" / "case").campaigns) == len(read_case(tmp_path / "empty").campaigns)


@pytest.mark.parametrize("name", ["thesis.tex", "run.json", "campaigns.json"])
def test_a_directory_that_is_not_a_case_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).write_text("{}")
    with pytest.raises(InputError, match="not a case"):
        write_case(example(), tmp_path / "work")
    assert [p.name for p in (tmp_path / "work").iterdir()] == [name]


def test_notes_kept_in_a_case_are_not_deleted(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "case")
    (tmp_path / "case" / "notes.md").write_text("mine")
    with pytest.raises(InputError, match="not part of it"):
        write_case(example(), tmp_path / "case")
    assert (tmp_path / "case" / "notes.md").read_text() == "mine"


def test_a_file_and_the_current_directory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        write_case(example(), tmp_path / "file")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="current directory"):
        write_case(example(), Path())


def test_a_failure_halfway_leaves_the_earlier_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_case(example(), tmp_path / "case")
    before = {p.name: p.read_bytes() for p in (tmp_path / "case").iterdir()}

    def full(*_: object) -> bytes:
        raise OSError("no space left on device")

    monkeypatch.setattr(writing, "to_json", full)
    with pytest.raises(OSError, match="no space"):
        write_case(example(), tmp_path / "case")
    assert {p.name: p.read_bytes() for p in (tmp_path / "case").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_a_failed_rename_puts_the_earlier_case_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_case(example(), tmp_path / "case")
    rename = Path.rename

    def fails_for_new(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError("busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_new)
    with pytest.raises(OSError, match="busy"):
        write_case(example(), tmp_path / "case")
    monkeypatch.undo()
    assert read_case(tmp_path / "case") == example()
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_a_run_may_not_take_the_keys_of_the_case(tmp_path: Path) -> None:
    case = example()
    case.run["timings"] = {}
    with pytest.raises(ValueError, match="timings"):
        write_case(case, tmp_path / "case")
