"""A run that was stopped, killed or left half-written: the same command into the same folder ends it as if nothing had
happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.folder import LOCK, FolderWriter, resolve_recipe
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_record_for, run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import jpeg, png
from tests.support.jobs import Darker
from tests.support.labelled_sets import augmented, write, yolo
from tests.support.resumable_runs import RECIPE, ROOT, command, done, job, set_of


def broken_off(given: Path, out: Path, after: int) -> None:
    """A run that ends after so many outcomes."""
    outcomes = run_to_disk(job(given), out, [given])
    for _ in range(after):
        next(outcomes)
    outcomes.close()


def held(folder: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Every file but the manifest, and the manifest's lines without their times, sorted."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    lines = [json.loads(line) for line in files.pop(MANIFEST).splitlines()]
    for line in lines:
        line.pop("seconds")
    return files, sorted(lines, key=json.dumps)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return set_of(6, tmp_path / "given")


class Killable:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )

    def start(self, *words: str | Path) -> int:
        assert self.process.stdin
        print(json.dumps([str(word) for word in words]), file=self.process.stdin, flush=True)
        return int(self.told("pid"))

    def told(self, what: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:  # the command line prints there as well
            if line.startswith(what + " "):
                return line.split()[1]
        raise AssertionError(f"it ended without a word of {what}")

    def run(self, *words: str | Path) -> int:
        self.start(*words)
        return int(self.told("ended"))


@pytest.fixture(scope="module")
def killable() -> Iterator[Killable]:
    one = Killable()
    yield one
    assert one.process.stdin
    one.process.stdin.close()
    one.process.wait(30)


def test_killed_at_ten_random_moments(killable: Killable, tmp_path: Path) -> None:
    given = set_of(40, tmp_path / "given")
    (given / "class 0" / "bad.jpg").write_bytes(b"bad")
    words = ("-n", "2", "--engine", "gan", "--seed", "9", "-o")
    assert killable.run(given, *words, tmp_path / "whole") == 1  # one file is bad
    out = tmp_path / "out"
    dice = random.Random(20)
    killed = 0
    while killed < 10:
        # Seed 9 is asked for at the first start only: afterwards the folder's own recipe tells it.
        child = killable.start(
            given, *(words if not (out / RECIPE_FILE).exists() else ("-n", "2", "-e", "gan", "-o")), out
        )
        before, more = lines_in(out), dice.randrange(8)
        limit = time.monotonic() + 60
        while lines_in(out) < before + more and time.monotonic() < limit and running(child):
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        status = int(killable.told("ended"))
        assert status == -signal.SIGKILL, "it was done before it could be killed; give it more pictures"
        killed += 1
    assert 0 < lines_in(out) < 80
    assert killable.run(given, "-n", "2", "-e", "gan", "-o", out) == 1
    assert held(out) == held(tmp_path / "whole")


def lines_in(out: Path) -> int:
    try:
        return (out / MANIFEST).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def running(child: int) -> bool:
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return False
    return True


class TestWhatABrokenRunLeaves:
    """Every state between two calls to the system, made by hand."""

    @pytest.fixture
    def whole(self, given: Path, tmp_path: Path) -> Path:
        assert done(given, tmp_path / "whole")["variations"] == 12
        return tmp_path / "whole"

    @pytest.fixture
    def out(self, given: Path, tmp_path: Path) -> Path:
        broken_off(given, tmp_path / "out", after=5)
        assert lines_in(tmp_path / "out") == 5
        return tmp_path / "out"

    def finish(self, given: Path, out: Path, whole: Path, made_before: int) -> None:
        report = done(given, out)
        assert (report["held"], report["variations"], report["failed"]) == (made_before, 12, 0)
        assert held(out) == held(whole)

    def test_nothing_but_an_end(self, given: Path, out: Path, whole: Path) -> None:
        self.finish(given, out, whole, 5)

    @pytest.mark.parametrize("cut", [1, 10, 100])
    def test_a_half_written_line(self, given: Path, out: Path, whole: Path, cut: int) -> None:
        """The picture of that line is there, since only its line was torn, and is taken over."""
        manifest = out / MANIFEST
        manifest.write_bytes(manifest.read_bytes()[:-cut])
        self.finish(given, out, whole, 4)

    @pytest.mark.parametrize("torn", [b"{", b'{"file": "a', b"\0" * 40, b"\xff\xfe\n", b"[]\n", b'{"status": "ok"}\n'])
    def test_what_is_no_line(self, given: Path, out: Path, whole: Path, torn: bytes) -> None:
        with (out / MANIFEST).open("ab") as manifest:
            manifest.write(torn)
        self.finish(given, out, whole, 5)

    def test_a_line_without_its_picture(self, given: Path, out: Path, whole: Path) -> None:
        next(out.rglob("*__v1.*")).unlink()
        self.finish(given, out, whole, 4)

    def test_no_line_at_all(self, given: Path, out: Path, whole: Path) -> None:
        (out / MANIFEST).write_bytes(b"")
        self.finish(given, out, whole, 0)
        (out / MANIFEST).unlink()
        self.finish(given, out, whole, 0)

    def test_one_line_twice(self, given: Path, out: Path, whole: Path) -> None:
        first = (out / MANIFEST).read_bytes().splitlines(keepends=True)[0]
        with (out / MANIFEST).open("ab") as manifest:
            manifest.write(first)
        self.finish(given, out, whole, 5)

    def test_parts_and_a_lock_that_nobody_holds(self, given: Path, out: Path, whole: Path) -> None:
        for name in (".augmentai.part", ".augmentai.1.part", ".augmentai.manifest.part", LOCK):
            (out / name).write_bytes(b"half")
        self.finish(given, out, whole, 5)

    def test_before_the_first_line(self, given: Path, tmp_path: Path, whole: Path) -> None:
        broken_off(given, tmp_path / "out", after=1)
        (tmp_path / "out" / MANIFEST).unlink()
        for picture in (tmp_path / "out").rglob("*__v*"):
            picture.unlink()
        self.finish(given, tmp_path / "out", whole, 0)

    def test_label_files_of_a_picture_that_is_gone_go_with_it(self, given: Path, tmp_path: Path, whole: Path) -> None:
        out = tmp_path / "labelled"
        this = job(given)
        with FolderWriter(out, run_record_for(this, [given], out), this.gathered.sources) as writer:
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
        with FolderWriter(out, run_record_for(this, [given], out), this.gathered.sources) as writer:
            assert writer.checkpoint.variations == 2
        assert {p.name for p in out.rglob("*__v*")} == {
            Path(name).name for line in lines[2:] for name in (line["file"], *line["label_files"])
        }

    def test_names_that_lead_elsewhere_are_not_followed(self, given: Path, out: Path, whole: Path) -> None:
        """A manifest that somebody wrote: nothing outside the folder is touched for its sake."""
        mine = out.parent / "mine.txt"
        mine.write_text("mine")
        line = json.loads((out / MANIFEST).read_text().splitlines()[0])
        line |= {"file": "gone.jpg", "label_files": ["../mine.txt"], "index": 2}
        with (out / MANIFEST).open("a") as manifest:
            manifest.write(json.dumps(line) + "\n")
        self.finish(given, out, whole, 5)
        assert mine.read_text() == "mine"


class TestWhatIsDoneAgain:
    def test_sources_that_are_done_are_not_read_again(self, given: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        broken_off(given, out, after=5)
        read: list[str] = []

        def watched(source: Source) -> Source:
            return replace(source, read=lambda: (read.append(source.path), source.read())[1])

        found = gather([given], limits(Settings()))
        watched_set = replace(found, sources=tuple(map(watched, found.sources)))
        this = Job(watched_set, RECIPE, Settings(), [Darker()])
        for outcome in run_to_disk(this, out, [given]):
            last = outcome
        assert last.ok
        # Four of six are left, the third half done; the contact sheet then looks at all six once more.
        assert len(read[:4]) == len(set(read[:4])) == 4
        assert len(read) <= 4 + 12

    def test_a_finished_run_has_nothing_left_to_do(self, given: Path, tmp_path: Path) -> None:
        class Unwanted(Darker):
            def make(self, *_: object) -> Any:
                raise AssertionError("it was asked to make something")

        done(given, tmp_path / "out")
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
        report = done(given, tmp_path / "out", engines=[Unwanted()])
        assert (report["held"], report["variations"], report["failed"]) == (12, 12, 0)
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before

    def test_what_failed_is_tried_again(self, given: Path, tmp_path: Path) -> None:
        def stumble(number: int) -> None:
            if number % 4 == 0:
                raise ZeroDivisionError

        report = done(given, tmp_path / "out", engines=[Darker(stumble)])
        assert 0 < report["variations"] < 12
        assert done(given, tmp_path / "out")["held"] == report["variations"]
        done(given, tmp_path / "whole")
        assert held(tmp_path / "out") == held(tmp_path / "whole")

    def test_the_seed_is_that_of_the_folder(self, given: Path, tmp_path: Path) -> None:
        unseeded = replace(RECIPE, seed=0)
        drawn = resolve_recipe(tmp_path / "out", unseeded)
        assert drawn.seed
        broken = run_to_disk(job(given, drawn), tmp_path / "out")
        next(broken)
        broken.close()
        assert resolve_recipe(tmp_path / "out", unseeded) == drawn

    def test_a_run_of_before_there_was_geometry_auto_goes_on_as_it_began(self, given: Path, tmp_path: Path) -> None:
        still = replace(RECIPE, geometry="none")
        done(given, tmp_path / "whole", still)
        outcomes = run_to_disk(job(given, still), tmp_path / "out", [given])
        for _ in range(5):
            next(outcomes)
        outcomes.close()
        record = (tmp_path / "out" / RECIPE_FILE).read_text()
        assert record.count("\ngeometry: none\n") == 1
        (tmp_path / "out" / RECIPE_FILE).write_text(record.replace("\ngeometry: none\n", "\n"))  # was not told then
        assert done(given, tmp_path / "out", resolve_recipe(tmp_path / "out", RECIPE))["held"] == 5
        (tmp_path / "out" / RECIPE_FILE).write_text(record)
        assert held(tmp_path / "out") == held(tmp_path / "whole")

    def test_donors_are_the_same(self, gan: GanEngine, given: Path, tmp_path: Path) -> None:
        """The local GAN lends every picture the look of others of the job: also of those that are done already."""
        done(given, tmp_path / "whole", engines=[gan])
        broken = run_to_disk(job(given, engines=[gan]), tmp_path / "out", [given])
        for _ in range(7):
            next(broken)
        broken.close()
        report = done(given, tmp_path / "out", engines=[GanEngine(Settings())])
        assert report["held"] == 7
        assert held(tmp_path / "out") == held(tmp_path / "whole")


class TestWhatIsRefused:
    @pytest.fixture
    def out(self, given: Path, tmp_path: Path) -> Path:
        broken_off(given, tmp_path / "out", after=3)
        return tmp_path / "out"

    def refused(self, given: Path, out: Path, recipe: Recipe, said: str) -> None:
        before = held(out)
        with pytest.raises(OutputError, match=said):
            done(given, out, recipe)
        assert held(out) == before

    @pytest.mark.parametrize(
        ("recipe", "said"),
        [
            (
                replace(RECIPE, strength=0.1),
                r"contains a run with different settings \(strength was 0.7, now 0.1\)\. "
                "Use the same settings to resume, or choose a new or empty folder",
            ),
            (replace(RECIPE, seed=6, variations=3), "variations was 2, now 3; seed was 5, now 6"),
            (replace(RECIPE, prompt="rain"), "prompt was '', now 'rain'"),
        ],
    )
    def test_another_recipe(self, given: Path, out: Path, recipe: Recipe, said: str) -> None:
        self.refused(given, out, recipe, said)
        with pytest.raises(OutputError, match=said):
            resolve_recipe(out, recipe)

    def test_other_sources(self, given: Path, out: Path) -> None:
        (given / "class 0" / "new.png").write_bytes(png(seed=99))
        self.refused(given, out, RECIPE, "there were 6 sources, now 7")
        (given / "class 0" / "new.png").unlink()
        (given / "class 0" / "00.png").write_bytes(png(seed=99))
        self.refused(given, out, RECIPE, "there were 6 sources, now 6, some of them changed")

    def test_sources_in_other_folders(self, given: Path, out: Path) -> None:
        (given / "class 0").rename(given / "class 2")
        self.refused(
            given, out, RECIPE, "images were moved or renamed, or other images are held out for validation and test"
        )

    def test_other_weights(self, given: Path, out: Path) -> None:
        recipe = (out / RECIPE_FILE).read_text()
        (out / RECIPE_FILE).write_text(recipe.replace("gan: darker 1", "gan: darker 0"))
        self.refused(given, out, RECIPE, "the model of gan was darker 0, now darker 1")

    def test_label_files_that_came_to_lie_beside_the_pictures(self, given: Path, out: Path) -> None:
        """Until then half of the variations were mirrored; the set would be half of one kind and half of another."""
        (given / "landmarks.csv").write_text("00.png,12,20\n")
        self.refused(given, out, RECIPE, "geometry auto resolved to flip of those with a class, now to none")

    def test_a_recipe_that_cannot_be_read(self, given: Path, out: Path) -> None:
        (out / RECIPE_FILE).write_text("recipe: [")
        self.refused(given, out, RECIPE, "already holds files and nothing is overwritten.*is not valid YAML")

    def test_two_runs_at_once(self, given: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        first = run_to_disk(job(given), out, [given])
        next(first)
        with pytest.raises(OutputError, match=r"another run is writing into .* and nothing is overwritten"):
            done(given, out)
        said = command(given, "-o", out, "-n", "2", "--seed", "5", "-e", "gan", "-s", "0.7")
        assert said.returncode == 2
        assert "another run is writing into" in said.stderr
        rest = list(first)
        assert len(rest) == 11
        assert lines_in(out) == 12
        assert not (out / LOCK).exists()


class TestResultsAreNoSources:
    def test_a_run_into_a_folder_of_its_own_set(self, given: Path) -> None:
        out = given / "augmented"
        for _ in range(2):  # the second goes on with the first, and meets its pictures
            this = Job(gather([given], limits(Settings()), skip=out), RECIPE, Settings(), [Darker()])
            assert [outcome.ok for outcome in run_to_disk(this, out)].count(False) == 0
            assert this.report.as_dict()["sources"] == 6

    def test_runs_of_before_are_left_alone_and_told(self, given: Path, tmp_path: Path) -> None:
        done(given, given / "earlier")
        broken_off(given / "class 0", given / "deep" / "cut short", after=2)
        found = gather([given], limits(Settings()))
        assert len(found.sources) == 6
        assert found.notices == ("Folders of earlier runs are not searched; name them separately: cut short, earlier",)

    def test_a_run_that_is_named_is_meant(self, given: Path) -> None:
        done(given, given / "earlier")
        found = gather([given / "earlier"], limits(Settings()))
        assert len(found.sources) == 18  # 6 originals lie beside 12 variations
        assert not found.failures + found.notices


def test_the_command_says_that_nothing_is_left_to_do(given: Path, tmp_path: Path) -> None:
    words = (given, "-o", tmp_path / "out", "-n", "2", "-s", "0.7", "-e", "gan")
    assert command(*words).returncode == 0
    again = command(*words)
    assert again.returncode == 0
    assert "nothing left to do: 12 variations from 6 files" in again.stderr
    other = command(*words, "--seed", "5")
    assert other.returncode == 2
    assert "now 5" in other.stderr


def test_a_saved_recipe_and_flags_over_it(given: Path, tmp_path: Path) -> None:
    done(given, tmp_path / "one", RECIPE)
    done_again = command(given, "-o", tmp_path / "two", "--recipe", tmp_path / "one" / RECIPE_FILE, "--variations", "1")
    assert done_again.returncode == 0, done_again.stderr
    record = (tmp_path / "two" / RECIPE_FILE).read_text()
    assert "seed: 5\n" in record
    assert "strength: 0.7\n" in record
    assert "variations: 1\n" in record
    own = tmp_path / "own.yaml"
    own.write_text("strength: 0.2\nengine: gan\ncolour: red\n")
    said = command(given, "-o", tmp_path / "three", "--recipe", own)
    assert said.returncode == 2
    assert "unknown setting colour; valid settings: prompt" in said.stderr
    own.write_text("strength: 2\n")
    assert (
        "strength is 2; expected a number from 0 to 1" in command(given, "-o", tmp_path / "3", "--recipe", own).stderr
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 320 kB, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320k", "none", folder], capture_output=True)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    given, out = set_of(50, tmp_path / "given"), small_disk / "out"
    with pytest.raises(OutputError, match=r"cannot be written.*No space left on device"):
        done(given, out)
    lines = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    assert lines
    assert {line["file"] for line in lines} == {p.relative_to(out).as_posix() for p in out.rglob("*__v*")}
    assert not list(out.glob(".augmentai*"))
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    assert done(given, out)["held"] == len(lines)
    whole = tmp_path / "as deep" / "whole"
    done(given, whole)
    assert held(out) == held(whole)


def test_a_zip_on_a_full_disk_is_whole(small_disk: Path, tmp_path: Path) -> None:
    given, out = set_of(50, tmp_path / "given"), small_disk / "out.zip"
    with pytest.raises(OutputError, match=r"No space left on device.*what was finished before is kept"):
        done(given, out)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read(MANIFEST).splitlines()]
        assert {line["file"] for line in lines} == {name for name in archive.namelist() if "__v" in name}
    assert lines
    assert [path.name for path in small_disk.iterdir()] == ["out.zip"]


class TestWhatALossOfPowerLeaves:
    """Names that reached the disk before their bytes did, and lines that did not reach it at all."""

    @pytest.fixture
    def whole(self, given: Path, tmp_path: Path) -> Path:
        done(given, tmp_path / "whole")
        return tmp_path / "whole"

    @pytest.fixture
    def out(self, given: Path, tmp_path: Path) -> Path:
        broken_off(given, tmp_path / "out", after=5)
        return tmp_path / "out"

    @pytest.mark.parametrize("keeps_line", [True, False])
    @pytest.mark.parametrize("left", ["empty", "half", "zeros", "whole", "of another version"])
    def test_a_variation(self, given: Path, out: Path, whole: Path, left: str, keeps_line: bool) -> None:
        lines = (out / MANIFEST).read_bytes().splitlines(keepends=True)
        path = out / json.loads(lines[-1])["file"]
        data = path.read_bytes()
        half = data[: len(data) // 2]
        states = {"empty": b"", "half": half, "zeros": half + bytes(len(data) - len(half)), "whole": data}
        path.write_bytes(states.get(left, data + b"saved by another version"))
        if not keeps_line:
            (out / MANIFEST).write_bytes(b"".join(lines[:-1]))
        report = done(given, out)
        assert (report["variations"], report["failed"]) == (12, 0)
        assert held(out) == held(whole)

    def test_an_original(self, given: Path, out: Path, whole: Path) -> None:
        path = next(path for path in sorted(out.rglob("*.png")) if "__v" not in path.name)
        path.write_bytes(path.read_bytes()[:100])
        done(given, out)
        assert held(out) == held(whole)

    def test_what_is_of_nobody_of_ours_stays(self, given: Path, out: Path, whole: Path) -> None:
        missing = next(name for name in held(whole)[0] if "__v" in name and not (out / name).exists())
        (out / missing).parent.mkdir(exist_ok=True)
        (out / missing).write_bytes(b"mine")
        with pytest.raises(OutputError, match="exists and is not part of this run; move it away"):
            done(given, out)
        assert (out / missing).read_bytes() == b"mine"
        (out / missing).unlink()
        done(given, out)
        assert held(out) == held(whole)


def test_a_set_with_files_named_as_a_run_names_its_own(tmp_path: Path) -> None:
    """They are somebody else's: nothing of them is overwritten, and nothing of the run's is lost."""
    files = {name: data for name, data in yolo().items() if name != "data.yaml"}
    names = "names: [red car, bus, 車]\ntrain: images/train\nval: images/val\n"
    theirs = {
        "recipe.yaml": names.encode(),
        "manifest.jsonl": b'{"audio": "a.wav"}\n',
        "dataset_card.md": b"# theirs",
        "contact_sheet.svg": b"<svg/>",
        "recipe.yaml.jpg": jpeg(seed=9),
    }
    given = write(tmp_path / "in", {**files, **theirs})
    out = tmp_path / "out"
    run = augmented([given], out)
    assert run.gathered.layout.name == "yolo"
    assert yaml.safe_load((out / "_recipe.yaml").read_text("utf-8"))["names"] == ["red car", "bus", "車"]
    assert yaml.safe_load((out / RECIPE_FILE).read_text("utf-8"))["recipe"]["seed"] == 5
    assert lines_in(out) == run.report.variations > 0
    assert {name: (given / name).read_bytes() for name in theirs} == theirs
    before = held(out)
    augmented([given], out)
    assert held(out) == before
