"""Every writer: whole files, nothing overwritten, a manifest that says exactly what is there."""

from __future__ import annotations

import os
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.writers.base import OutputError, writer_for
from augmentai.dataset.writers.folder import LOCK
from tests.conftest import as_nobody
from tests.support.written_outputs import contents, failure, nothing_else, outcome, run_script


@pytest.fixture(params=["out", "out.zip"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "new" / request.param


def test_files_and_manifest_agree(out: Path) -> None:
    with writer_for(out) as writer:
        for i in range(5):
            writer.add(outcome(f"cats/ねこ {i}__v1.jpg", bytes([i]) * 1000))
        writer.add(failure())
    files, lines = contents(out)
    assert files == {f"cats/ねこ {i}__v1.jpg": bytes([i]) * 1000 for i in range(5)}
    assert [one["file"] for one in lines] == [*files, None]
    assert nothing_else(out)


def test_details_of_any_type_are_written(out: Path) -> None:
    with writer_for(out) as writer:
        writer.add(outcome(path=Path("x"), error=ValueError("y")))
    assert contents(out)[1][0]["details"] == {"path": "x", "error": "y"}


def test_an_empty_run_leaves_a_complete_output(out: Path) -> None:
    with writer_for(out):
        pass
    assert contents(out) == ({}, [])


@pytest.mark.parametrize("fault", [KeyboardInterrupt, GeneratorExit, RuntimeError])
def test_an_interrupted_run_keeps_what_was_finished(out: Path, fault: type[BaseException]) -> None:
    with pytest.raises(fault), writer_for(out) as writer:  # noqa: PT012
        writer.add(outcome("a__v1.jpg"))
        writer.add(outcome("b__v1.jpg"))
        raise fault
    files, lines = contents(out)
    assert list(files) == [one["file"] for one in lines] == ["a__v1.jpg", "b__v1.jpg"]
    assert nothing_else(out)


def test_a_killed_run_leaves_complete_images_and_their_lines(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from tests.support.written_outputs import outcome
from augmentai.dataset.writers.base import writer_for
with writer_for(Path(sys.argv[1])) as writer:
    writer.add(outcome("a__v1.jpg"))
    writer.add(outcome("b__v1.jpg"))
    os.kill(os.getpid(), 9)
"""
    run_script(script, tmp_path / "out")
    files, lines = contents(tmp_path / "out")
    assert files.pop(LOCK) == b""
    assert list(files) == [one["file"] for one in lines] == ["a__v1.jpg", "b__v1.jpg"]
    run_script(script, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_one_name_twice(out: Path) -> None:
    with writer_for(out) as writer:
        writer.add(outcome("a__v1.jpg", b"first"))
        with pytest.raises(OutputError):
            writer.add(outcome("a__v1.jpg", b"second"))
        writer.add(outcome("b__v1.jpg", b"third"))
    files, lines = contents(out)
    assert files == {"a__v1.jpg": b"first", "b__v1.jpg": b"third"}
    assert [one["file"] for one in lines] == ["a__v1.jpg", "b__v1.jpg"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_file_permissions_follow_the_umask(out: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with writer_for(out) as writer:
            writer.add(outcome())
    finally:
        os.umask(before)
    written = out if out.is_file() else out / "cats" / "a__v1.jpg"
    assert stat.S_IMODE(written.stat().st_mode) == 0o666 & ~mask
    if out.is_file():
        with zipfile.ZipFile(out) as archive:
            assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_place_that_cannot_be_written(open_folder: Path, name: str) -> None:
    (open_folder / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match="choose another"):
        writer_for(open_folder / "file" / name)
    with as_nobody(), pytest.raises(OutputError, match=r"Permission denied.*choose another"):
        writer_for(open_folder / name)


def test_zip_and_folder_contain_the_same(tmp_path: Path) -> None:
    outcomes = [outcome(f"{i}__v1.jpg", bytes([i])) for i in range(3)] + [replace(failure(), index=2)]
    for name in ("out", "out.zip"):
        with writer_for(tmp_path / name) as writer:
            for one in outcomes:
                writer.add(one)
    assert contents(tmp_path / "out") == contents(tmp_path / "out.zip")
