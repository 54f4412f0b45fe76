"""What goes out: whole files, nothing overwritten, a manifest that tells exactly what is there."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.manifest import MANIFEST, line
from augmentai.dataset.writers.base import FolderWriter, OutputError, ZipWriter, writer_for
from augmentai.dataset.writers.folder import LOCK
from augmentai.system.versions import versions
from augmentai.types import Fallback, Outcome, Source, Variation
from tests.conftest import as_nobody
from tests.support.image_files import colours, jpeg


def outcome(name: str = "cats/a__v1.jpg", data: bytes | None = None, **details: Any) -> Outcome:
    source = Source.from_bytes("cats/a.jpg", b"x", "cats")
    variation = Variation(name, jpeg() if data is None else data, colours(), "gan", "m", "p", 0.4, 0.1, details)
    return Outcome(source, 1, 7, variation, fallbacks=(Fallback("stability", "no key"),), notices=("n",))


def failure(reason: str = "broken") -> Outcome:
    return Outcome(Source("bad\udcff.jpg", None, "", 0, bytes), 0, 0, reason=reason)


def contents(path: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Every file of a folder or ZIP but the manifest, and the manifest."""
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
    else:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == len(set(archive.namelist()))
            files = {name: archive.read(name) for name in archive.namelist()}
    manifest = files.pop(MANIFEST).decode()
    assert manifest == "" or manifest.endswith("\n")
    return files, [json.loads(one) for one in manifest.splitlines()]


@pytest.fixture(params=["out", "out.zip"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "new" / request.param


def nothing_else(path: Path) -> bool:
    return [one.name for one in path.parent.iterdir()] == [path.name]


def test_files_and_manifest_agree(out: Path) -> None:
    with writer_for(out) as writer:
        for i in range(5):
            writer.add(outcome(f"cats/ねこ {i}__v1.jpg", bytes([i]) * 1000))
        writer.add(failure())
    files, lines = contents(out)
    assert files == {f"cats/ねこ {i}__v1.jpg": bytes([i]) * 1000 for i in range(5)}
    assert [one["file"] for one in lines] == [*files, None]
    assert nothing_else(out)


def test_a_line_of_the_manifest() -> None:
    made = outcome(donor="b")
    assert made.variation
    assert json.loads(line(made)) == {
        "file": "cats/a__v1.jpg",
        "source": "cats/a.jpg",
        "source_sha256": Source.from_bytes("", b"x").sha256,
        "label": "cats",
        "split": None,
        "index": 1,
        "engine": "gan",
        "model": "m",
        "prompt": "p",
        "strength": 0.4,
        "seed": 7,
        "width": 48,
        "height": 32,
        "seconds": 0.1,
        "fallbacks": [{"engine": "stability", "reason": "no key"}],
        "status": "ok",
        "versions": versions(),
        "bytes": [len(made.variation.data)],
        "details": {"donor": "b"},
        "attempts": 1,
        "notices": ["n"],
    }
    failed = json.loads(line(failure()))
    assert (failed["status"], failed["file"], failed["reason"]) == ("failed", None, "broken")
    assert {"source_sha256", "engine", "seconds", "width"} <= {key for key, value in failed.items() if value is None}
    assert line(failure("two\nlines")).count("\n") == 1


def test_details_of_any_kind_can_be_told(out: Path) -> None:
    with writer_for(out) as writer:
        writer.add(outcome(path=Path("x"), error=ValueError("y")))
    assert contents(out)[1][0]["details"] == {"path": "x", "error": "y"}


def test_an_empty_run_leaves_a_whole_output(out: Path) -> None:
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


def test_a_killed_run_leaves_whole_pictures_that_the_manifest_tells(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from tests.dataset.writers.test_base import outcome
from augmentai.dataset.writers.base import writer_for
with writer_for(Path(sys.argv[1])) as writer:
    writer.add(outcome("a__v1.jpg"))
    writer.add(outcome("b__v1.jpg"))
    os.kill(os.getpid(), 9)
"""
    run(script, tmp_path / "out")
    files, lines = contents(tmp_path / "out")
    assert files.pop(LOCK) == b""
    assert list(files) == [one["file"] for one in lines] == ["a__v1.jpg", "b__v1.jpg"]
    run(script, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


class TestNothingIsOverwritten:
    def test_a_folder_that_holds_something(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(OutputError, match="already holds files and nothing is overwritten; choose a new or empty"):
            FolderWriter(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    @pytest.mark.parametrize("kind", ["file", "folder", "broken link"])
    def test_a_zip_that_is_there(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "out.zip"
        {
            "file": lambda: path.write_bytes(b"mine"),
            "folder": path.mkdir,
            "broken link": lambda: path.symlink_to(tmp_path / "gone"),
        }[kind]()
        with pytest.raises(OutputError, match="already there and nothing is overwritten; choose another name"):
            ZipWriter(path)
        assert nothing_else(path)

    def test_a_zip_that_appears_meanwhile(self, tmp_path: Path) -> None:
        path = tmp_path / "out.zip"
        said = r"appeared meanwhile; the result is in .*\.part"
        with pytest.raises(OutputError, match=said), ZipWriter(path) as writer:  # noqa: PT012
            writer.add(outcome())
            path.write_bytes(b"mine")
        assert path.read_bytes() == b"mine"
        (part,) = (one for one in tmp_path.iterdir() if one != path)
        assert list(contents(part)[0]) == ["cats/a__v1.jpg"]

    def test_a_picture_that_appears_meanwhile(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="File exists"), FolderWriter(tmp_path) as writer:  # noqa: PT012
            (tmp_path / "a__v1.jpg").write_bytes(b"mine")
            writer.add(outcome("a__v1.jpg"))
        files, lines = contents(tmp_path)
        assert files == {"a__v1.jpg": b"mine"}
        assert lines == []

    def test_one_name_twice(self, out: Path) -> None:
        with writer_for(out) as writer:
            writer.add(outcome("a__v1.jpg", b"first"))
            with pytest.raises(OutputError):
                writer.add(outcome("a__v1.jpg", b"second"))
            writer.add(outcome("b__v1.jpg", b"third"))
        files, lines = contents(out)
        assert files == {"a__v1.jpg": b"first", "b__v1.jpg": b"third"}
        assert [one["file"] for one in lines] == ["a__v1.jpg", "b__v1.jpg"]

    def test_an_outcome_saved_by_hand(self, tmp_path: Path) -> None:
        assert outcome(data=b"first").save(tmp_path) == tmp_path / "cats" / "a__v1.jpg"
        with pytest.raises(FileExistsError):
            outcome(data=b"second").save(tmp_path)
        assert (tmp_path / "cats" / "a__v1.jpg").read_bytes() == b"first"
        with pytest.raises(ValueError, match="no variation to save: broken"):
            failure().save(tmp_path)


class TestWithoutLinks:
    """exFAT, network drives and some containers know no hard links. A test machine need not have any of them: the one
    call that they refuse is made to fail as it does there."""

    @pytest.fixture(autouse=True)
    def _no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)

    def test_the_output_is_the_same(self, out: Path) -> None:
        with writer_for(out) as writer:
            writer.add(outcome("cats/a__v1.jpg"))
        files, lines = contents(out)
        assert list(files) == ["cats/a__v1.jpg"] == [one["file"] for one in lines]
        assert nothing_else(out)

    def test_nothing_is_overwritten_either(self, tmp_path: Path) -> None:
        TestNothingIsOverwritten().test_a_zip_that_appears_meanwhile(tmp_path)

    def test_nor_in_a_folder(self, tmp_path: Path) -> None:
        TestNothingIsOverwritten().test_a_picture_that_appears_meanwhile(tmp_path)


def test_long_names_are_written(tmp_path: Path) -> None:
    names = ["😀" * 55 + "__v1.jpg", "é" * 110 + "__v1.jpg", "x" * 240 + "__v1.jpg"]
    with FolderWriter(tmp_path) as writer:
        for name in names:
            writer.add(outcome(name))
    assert set(contents(tmp_path)[0]) == set(names)


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_may_be_read_by_whom_the_system_says(out: Path, mask: int) -> None:
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


def run(script: str, *words: str | Path) -> str:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.dataset.writers.test_base import outcome
from augmentai.dataset.writers.base import OutputError, writer_for
limit = int(sys.argv[2])
try:
    with writer_for(Path(sys.argv[1])) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        for i in range(100):
            writer.add(outcome(f"{i:03}__v1.jpg", bytes([i]) * 10_000))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [50_000, 52_345, 60_250, 100_500])
def test_a_zip_on_a_full_disk(tmp_path: Path, limit: int) -> None:
    """RLIMIT_FSIZE stands for the disk: what fits is kept, with a manifest and a list of contents that fit as well."""
    path = tmp_path / "out.zip"
    said = run(FULL_DISK, path, str(limit))
    assert f"{path} cannot be written any more (File too large); what was finished before is kept" in said
    files, lines = contents(path)
    assert list(files) == [one["file"] for one in lines]
    assert all(data == bytes([i]) * 10_000 for i, data in enumerate(files.values()))
    assert limit / 10_000 - 2 <= len(files) <= limit / 10_000
    assert path.stat().st_size <= limit
    assert nothing_else(path)


def test_a_disk_with_no_room_at_all(tmp_path: Path) -> None:
    assert "could not be finished (File too large); nothing was kept" in run(FULL_DISK, tmp_path / "out.zip", "10")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_on_a_full_disk(tmp_path: Path) -> None:
    """The manifest fills up first here: its half-written line and the picture of that line are taken back."""
    path = tmp_path / "out"
    said = run(FULL_DISK.replace("10_000", "100"), path, "3000")
    assert f"{path} cannot be written to any more (File too large); what was finished before is kept" in said
    files, lines = contents(path)
    assert sorted(files) == [one["file"] for one in lines]
    assert 3 < len(files) < 20
    said = run(FULL_DISK, tmp_path / "two", "5000")  # the very first picture does not fit
    assert "cannot be written to any more" in said
    assert contents(tmp_path / "two") == ({}, [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_the_device_that_is_always_full(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path)
    (tmp_path / ".augmentai.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device"), writer:
        writer.add(outcome())
    assert contents(tmp_path) == ({}, [])


def test_zip_and_folder_hold_the_same(tmp_path: Path) -> None:
    outcomes = [outcome(f"{i}__v1.jpg", bytes([i])) for i in range(3)] + [replace(failure(), index=2)]
    for name in ("out", "out.zip"):
        with writer_for(tmp_path / name) as writer:
            for one in outcomes:
                writer.add(one)
    assert contents(tmp_path / "out") == contents(tmp_path / "out.zip")


def test_a_temporary_folder_without_room(tmp_path: Path) -> None:
    """The list of contents of a ZIP lies there: what was finished before is a whole ZIP."""
    with pytest.raises(OutputError, match="temporary folder"), ZipWriter(tmp_path / "out.zip") as writer:  # noqa: PT012
        writer.add(outcome("cats/0.jpg"))
        writer._listing._database.execute("PRAGMA max_page_count = 1")
        for number in range(1, 200):
            writer.add(outcome(f"cats/{number}.jpg"))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        assert {line["file"] for line in lines} == set(archive.namelist()) - {"manifest.jsonl"}
