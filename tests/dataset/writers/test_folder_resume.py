"""A run that was stopped, killed or left half-written: the same command into the same folder completes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE
from augmentai.dataset.writers.folder import LOCK, FolderWriter
from augmentai.pipeline.run import run_record_for
from tests.support.image_files import jpeg
from tests.support.labelled_sets import augmented, write, yolo
from tests.support.runs import (
    contents_of,
    job_over,
    lines_in,
    photos_in_classes,
    run_interrupted,
    run_to_end,
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_classes(6, tmp_path / "photos")


class TestWhatAnInterruptedRunLeaves:
    """Every state between two calls to the system, made by hand."""

    @pytest.fixture
    def whole(self, photos: Path, tmp_path: Path) -> Path:
        assert run_to_end(photos, tmp_path / "whole")["variations"] == 12
        return tmp_path / "whole"

    @pytest.fixture
    def out(self, photos: Path, tmp_path: Path) -> Path:
        run_interrupted(photos, tmp_path / "out", after=5)
        assert lines_in(tmp_path / "out") == 5
        return tmp_path / "out"

    def finish(self, photos: Path, out: Path, whole: Path, made_before: int) -> None:
        report = run_to_end(photos, out)
        assert (report["held"], report["variations"], report["failed"]) == (made_before, 12, 0)
        assert contents_of(out) == contents_of(whole)

    def test_a_clean_end(self, photos: Path, out: Path, whole: Path) -> None:
        self.finish(photos, out, whole, 5)

    @pytest.mark.parametrize("cut", [1, 10, 100])
    def test_a_half_written_line(self, photos: Path, out: Path, whole: Path, cut: int) -> None:
        """The image of that line is there, since only its line was torn, and is reused."""
        manifest = out / MANIFEST
        manifest.write_bytes(manifest.read_bytes()[:-cut])
        self.finish(photos, out, whole, 4)

    @pytest.mark.parametrize("torn", [b"{", b'{"file": "a', b"\0" * 40, b"\xff\xfe\n", b"[]\n", b'{"status": "ok"}\n'])
    def test_what_is_not_a_line(self, photos: Path, out: Path, whole: Path, torn: bytes) -> None:
        with (out / MANIFEST).open("ab") as manifest:
            manifest.write(torn)
        self.finish(photos, out, whole, 5)

    def test_a_line_without_its_image(self, photos: Path, out: Path, whole: Path) -> None:
        next(out.rglob("*__v1.*")).unlink()
        self.finish(photos, out, whole, 4)

    def test_no_line_at_all(self, photos: Path, out: Path, whole: Path) -> None:
        (out / MANIFEST).write_bytes(b"")
        self.finish(photos, out, whole, 0)
        (out / MANIFEST).unlink()
        self.finish(photos, out, whole, 0)

    def test_one_line_twice(self, photos: Path, out: Path, whole: Path) -> None:
        first = (out / MANIFEST).read_bytes().splitlines(keepends=True)[0]
        with (out / MANIFEST).open("ab") as manifest:
            manifest.write(first)
        self.finish(photos, out, whole, 5)

    def test_parts_and_a_lock_that_nobody_holds(self, photos: Path, out: Path, whole: Path) -> None:
        for name in (".augmentai.part", ".augmentai.1.part", ".augmentai.manifest.part", LOCK):
            (out / name).write_bytes(b"half")
        self.finish(photos, out, whole, 5)

    def test_before_the_first_line(self, photos: Path, tmp_path: Path, whole: Path) -> None:
        run_interrupted(photos, tmp_path / "out", after=1)
        (tmp_path / "out" / MANIFEST).unlink()
        for image in (tmp_path / "out").rglob("*__v*"):
            image.unlink()
        self.finish(photos, tmp_path / "out", whole, 0)

    def test_label_files_of_a_missing_image_are_removed(self, photos: Path, tmp_path: Path, whole: Path) -> None:
        out = tmp_path / "labelled"
        this = job_over(photos)
        with FolderWriter(out, run_record_for(this, [photos], out), this.gathered.sources) as writer:
            for number, outcome in enumerate(this.run()):
                assert outcome.variation
                beside = ((outcome.variation.file + ".txt", b"0 1 1 1 1"),)
                writer.add(replace(outcome, variation=replace(outcome.variation, beside=beside)))
                if number == 3:
                    break
        lines = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
        assert lines[0]["label_files"] == [lines[0]["file"] + ".txt"]
        (out / lines[0]["file"]).unlink()
        (out / lines[1]["label_files"][0]).unlink()
        with FolderWriter(out, run_record_for(this, [photos], out), this.gathered.sources) as writer:
            assert writer.checkpoint.variations == 2
        assert {p.name for p in out.rglob("*__v*")} == {
            Path(name).name for line in lines[2:] for name in (line["file"], *line["label_files"])
        }

    def test_paths_that_point_elsewhere_are_not_followed(self, photos: Path, out: Path, whole: Path) -> None:
        """A manifest that somebody wrote: nothing outside the folder is touched for its sake."""
        mine = out.parent / "mine.txt"
        mine.write_text("mine")
        line = json.loads((out / MANIFEST).read_text().splitlines()[0])
        line |= {"file": "gone.jpg", "label_files": ["../mine.txt"], "index": 2}
        with (out / MANIFEST).open("a") as manifest:
            manifest.write(json.dumps(line) + "\n")
        self.finish(photos, out, whole, 5)
        assert mine.read_text() == "mine"


class TestWhatALossOfPowerLeaves:
    """Names that reached the disk before their bytes did, and lines that did not reach it at all."""

    @pytest.fixture
    def whole(self, photos: Path, tmp_path: Path) -> Path:
        run_to_end(photos, tmp_path / "whole")
        return tmp_path / "whole"

    @pytest.fixture
    def out(self, photos: Path, tmp_path: Path) -> Path:
        run_interrupted(photos, tmp_path / "out", after=5)
        return tmp_path / "out"

    @pytest.mark.parametrize("keeps_line", [True, False])
    @pytest.mark.parametrize("left", ["empty", "half", "zeros", "whole", "of another version"])
    def test_a_variation(self, photos: Path, out: Path, whole: Path, left: str, keeps_line: bool) -> None:
        lines = (out / MANIFEST).read_bytes().splitlines(keepends=True)
        path = out / json.loads(lines[-1])["file"]
        data = path.read_bytes()
        half = data[: len(data) // 2]
        states = {"empty": b"", "half": half, "zeros": half + bytes(len(data) - len(half)), "whole": data}
        path.write_bytes(states.get(left, data + b"saved by another version"))
        if not keeps_line:
            (out / MANIFEST).write_bytes(b"".join(lines[:-1]))
        report = run_to_end(photos, out)
        assert (report["variations"], report["failed"]) == (12, 0)
        assert contents_of(out) == contents_of(whole)

    def test_an_original(self, photos: Path, out: Path, whole: Path) -> None:
        path = next(path for path in sorted(out.rglob("*.png")) if "__v" not in path.name)
        path.write_bytes(path.read_bytes()[:100])
        run_to_end(photos, out)
        assert contents_of(out) == contents_of(whole)

    def test_a_file_of_somebody_else_stays(self, photos: Path, out: Path, whole: Path) -> None:
        missing = next(name for name in contents_of(whole)[0] if "__v" in name and not (out / name).exists())
        (out / missing).parent.mkdir(exist_ok=True)
        (out / missing).write_bytes(b"mine")
        with pytest.raises(OutputError, match="exists and is not part of this run; move it away"):
            run_to_end(photos, out)
        assert (out / missing).read_bytes() == b"mine"
        (out / missing).unlink()
        run_to_end(photos, out)
        assert contents_of(out) == contents_of(whole)


def test_a_dataset_with_files_named_as_those_of_a_run(tmp_path: Path) -> None:
    """They are somebody else's: none of them is overwritten, and no file of the run is lost."""
    files = {name: data for name, data in yolo().items() if name != "data.yaml"}
    names = "names: [red car, bus, 車]\ntrain: images/train\nval: images/val\n"
    theirs = {
        "recipe.yaml": names.encode(),
        "manifest.jsonl": b'{"audio": "a.wav"}\n',
        "dataset_card.md": b"# theirs",
        "contact_sheet.svg": b"<svg/>",
        "recipe.yaml.jpg": jpeg(seed=9),
    }
    photos = write(tmp_path / "in", {**files, **theirs})
    out = tmp_path / "out"
    run = augmented([photos], out)
    assert run.gathered.layout.name == "yolo"
    assert yaml.safe_load((out / "_recipe.yaml").read_text("utf-8"))["names"] == ["red car", "bus", "車"]
    assert yaml.safe_load((out / RECIPE_FILE).read_text("utf-8"))["recipe"]["seed"] == 5
    assert lines_in(out) == run.report.variations > 0
    assert {name: (photos / name).read_bytes() for name in theirs} == theirs
    before = contents_of(out)
    augmented([photos], out)
    assert contents_of(out) == before
