"""A run to a URL: the files of a run into a folder, resumed wherever it was killed, its faults in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.store_batch import StoreBatches
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.resolve import resolve_run
from augmentai.pipeline.run_to_place import look_ahead_to, run_to_place
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.storage import Place, Store, open_store
from tests.support.jobs import Darker
from tests.support.labelled_sets import LAYOUTS, augmented, contents, write
from tests.support.s3_server import BUCKET, S3Server

RECIPE = Recipe(seed=5, engine="gan", variations=2, filters=False)


@pytest.fixture
def memory() -> Iterator[Store]:
    from fsspec.implementations.memory import MemoryFileSystem

    yield open_store("memory://larger")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture
def bucket(s3: S3Server) -> Store:
    return open_store(f"s3://{BUCKET}/larger")


def job_of(inputs: list[Place], out: Place, tmp_path: Path, recipe: Recipe = RECIPE) -> Job:
    asked = resolve_run(out, recipe, [Darker()])
    found = gather(inputs, limits(Settings()), skip=out, layout=asked.layout)
    return Job(found, asked, Settings(state=tmp_path / "state"), [Darker()])


def to_the_end(inputs: list[Place], out: Place, tmp_path: Path, recipe: Recipe = RECIPE) -> Job:
    job = job_of(inputs, out, tmp_path, recipe)
    for _ in run_to_place(job, out, inputs):
        pass
    return job


def files_in(store: Store) -> dict[str, bytes]:
    own = {"manifest.jsonl", "recipe.yaml", "dataset_card.md", "contact_sheet.svg"}
    return {file.path: store.read(file.path) for file in store.list() if file.path not in own}


def lines_in(store: Store) -> list[dict[str, Any]]:
    return [json.loads(line) for line in store.read("manifest.jsonl").splitlines()]


@pytest.mark.parametrize("name", ["yolo", "coco", "voc", "masks", "imagefolder jsonl", "class folders with splits"])
def test_the_files_are_those_of_a_folder(name: str, memory: Store, tmp_path: Path) -> None:
    photos = write(tmp_path / "a set", LAYOUTS[name][1])
    augmented([photos], tmp_path / "on disk")
    job = to_the_end([photos], memory, tmp_path)
    assert files_in(memory) == contents(tmp_path / "on disk")
    made = [line["file"] for line in lines_in(memory)]
    assert sorted(made) == sorted(
        json.loads(line)["file"] for line in (tmp_path / "on disk" / "manifest.jsonl").read_text().splitlines()
    )
    assert job.report.variations == len(made) > 0
    for own in ("recipe.yaml", "dataset_card.md", "contact_sheet.svg"):
        assert memory.exists(own)
    assert not (tmp_path / "state").exists()


def test_from_s3_to_s3(bucket: Store, tmp_path: Path) -> None:
    files = LAYOUTS["yolo"][1]
    photos = open_store(f"s3://{BUCKET}/photos")
    photos.put_all(files)
    augmented([write(tmp_path / "photos", files)], tmp_path / "on disk")
    to_the_end([photos], bucket, tmp_path)
    assert files_in(bucket) == contents(tmp_path / "on disk")
    assert f"s3://{BUCKET}/photos" in bucket.read("recipe.yaml").decode()
    again = to_the_end([photos], bucket, tmp_path)
    assert again.report.resumed == again.report.variations > 0
    assert files_in(bucket) == contents(tmp_path / "on disk")


def test_a_stopped_run_is_resumed_with_the_same_files(memory: Store, tmp_path: Path) -> None:
    photos = write(tmp_path / "a set", LAYOUTS["coco"][1])
    augmented([photos], tmp_path / "on disk")
    job = job_of([photos], memory, tmp_path)
    outcomes = run_to_place(job, memory, [photos])
    assert all(outcome.ok for outcome in islice(outcomes, 3))
    outcomes.close()
    assert len(lines_in(memory)) == 3
    ahead = job_of([photos], memory, tmp_path, Recipe(engine="gan", variations=2, filters=False))  # the seed of before
    look_ahead_to(ahead, memory, [photos])
    assert ahead.left_to_make == ahead.plan.total - 3
    again = to_the_end([photos], memory, tmp_path)
    assert again.report.resumed == 3
    assert files_in(memory) == contents(tmp_path / "on disk")
    assert len(lines_in(memory)) == again.plan.total


def test_a_missing_and_a_cut_off_file_are_made_again(memory: Store, tmp_path: Path) -> None:
    photos = write(tmp_path / "a set", LAYOUTS["voc"][1])
    to_the_end([photos], memory, tmp_path)
    before = files_in(memory)
    made = [line["file"] for line in lines_in(memory)]
    memory.delete(made[0])
    memory.put(made[1], before[made[1]][:-10])
    again = to_the_end([photos], memory, tmp_path)
    assert again.report.resumed == again.plan.total - 2
    assert files_in(memory) == before


def test_a_store_that_goes_away_keeps_what_is_finished(
    s3: S3Server, bucket: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of the requests that change something, one run after the other."""
    monkeypatch.setattr("augmentai.dataset.writers.store_batch._MOST_FILES", 3)
    photos = write(tmp_path / "a set", LAYOUTS["class folders"][1])
    augmented([photos], tmp_path / "on disk")
    refused: list[str] = []
    for limit in range(1, 200, 4):
        left = [limit]

        def fault(method: str, path: str, left: list[int] = left) -> int | None:
            left[0] -= method in {"PUT", "DELETE", "POST"}
            return 403 if left[0] < 0 else None

        s3.fault = fault
        try:
            to_the_end([photos], bucket, tmp_path)
            break
        except OutputError as error:
            refused.append(str(error))
    assert len(refused) > 2
    assert all("access denied" in words and BUCKET in words for words in refused)
    s3.fault = lambda method, path: None
    assert files_in(bucket) == contents(tmp_path / "on disk")
    files = [line["file"] for line in lines_in(bucket)]
    assert len(files) == len(set(files)) == 2 * len(files) // 2 > 0


def test_nothing_of_others_is_overwritten(memory: Store, tmp_path: Path) -> None:
    photos = write(tmp_path / "a set", LAYOUTS["class folders"][1])
    memory.put("notes.txt", b"mine")
    with pytest.raises(OutputError, match="memory://larger already holds files and nothing is overwritten"):
        to_the_end([photos], memory, tmp_path)
    memory.delete("notes.txt")
    to_the_end([photos], memory, tmp_path)
    with pytest.raises(OutputError, match=r"memory://larger contains a run with different settings .seed was 5, now 6"):
        to_the_end([photos], memory, tmp_path, Recipe(seed=6, engine="gan", variations=2, filters=False))
    write(tmp_path / "a set", {"more/a.jpg": next(iter(LAYOUTS["class folders"][1].values()))})
    with pytest.raises(OutputError, match="there were"):
        to_the_end([photos], memory, tmp_path)


def test_two_runs_of_one_machine_are_kept_apart(memory: Store, tmp_path: Path) -> None:
    photos = write(tmp_path / "a set", LAYOUTS["class folders"][1])
    first = run_to_place(job_of([photos], memory, tmp_path), memory, [photos])
    next(first)
    with pytest.raises(OutputError, match="another run is writing into memory://larger"):
        to_the_end([photos], memory, tmp_path)
    first.close()


def test_a_full_temporary_folder_is_reported(memory: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of the whole set wait there to be sent."""
    monkeypatch.setattr(StoreBatches, "unused_file", lambda self: tmp_path / "no such folder" / "1")
    photos = write(tmp_path / "a set", LAYOUTS["coco"][1])
    with pytest.raises(OutputError, match=r"memory://larger cannot be kept in the temporary folder, see TMPDIR"):
        to_the_end([photos], memory, tmp_path)
    monkeypatch.undo()
    assert to_the_end([photos], memory, tmp_path).report.resumed > 0


def test_a_zip_is_written_on_this_machine_alone(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"memory://larger/out.zip: a ZIP is written on this machine alone"):
        to_the_end([], open_store("memory://larger/out.zip"), tmp_path)
