"""What the page says of files at the drop, before the click."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads, link_uploads
from tests.support.archives import Packing, tarred
from tests.support.call_counts import calls_of
from tests.support.image_files import jpeg, zipped
from tests.support.labelled_sets import CATEGORIES, LAYOUTS, Files, as_zip, class_folders, gathered, write, yolo

BOXES = {"boxes.csv": b"image;x\none.jpg;1\n", "more/gt.mat": b"MATLAB 5.0"}


def test_labels_that_are_not_understood_are_named_at_the_drop(tmp_path: Path) -> None:
    """Of a ZIP and of a folder, in the words of the job that follows."""
    files = class_folders() | BOXES
    folder = write(tmp_path / "set", files)
    uploads = [(f"set/{name}", str(folder / name)) for name in files]
    for given in (uploads, [("set.zip", str(as_zip(tmp_path / "set.zip", files)))]):
        notices = inspect_uploads(given, Settings()).as_props()["notices"]
        assert [notice.split(":")[0] for notice in notices[:2]] == [
            "1 label file is not understood (.csv files that name images of the set",
            "1 label file is not understood (MATLAB files, which may hold labels",
        ]
    assert notices == list(gathered(tmp_path / "set.zip").unread_labels.notices())


def classes_of(place: Path, files: Files) -> dict[str, tuple[int, int]]:
    """(images that are augmented, all images) of each class, as the page shows them."""
    given = [("set.zip", str(as_zip(place / "set.zip", files)))]
    shown = inspect_uploads(given, Settings()).as_props()["classes"]
    return {one["name"]: (one["count"], one["total"]) for one in shown}


def test_class_counts_say_what_is_augmented(tmp_path: Path) -> None:
    """Validation and test images are counted apart, of class folders and of labelled objects alike."""
    folders = {"red car": (1, 2), "車": (1, 1), "nothing": (1, 1), "bus": (0, 1)}
    assert classes_of(tmp_path, class_folders(splits=True)) == folders
    assert classes_of(tmp_path, class_folders()) == {name: (total, total) for name, (_, total) in folders.items()}
    for name in ("yolo", "coco", "voc"):
        counted = classes_of(tmp_path, LAYOUTS[name][1])
        assert {key: counted[key] for key in CATEGORIES} == {"red car": (1, 2), "bus": (1, 2), "車": (1, 1)}


def test_faults_of_labels_are_shown_at_the_drop(tmp_path: Path) -> None:
    files = yolo() | {"labels/train/one.txt": b"0 0.5\n", "labels/val/three.txt": b"0 0.9 0.5 0.5 0.5\n"}
    given = [("set.zip", str(as_zip(tmp_path / "set.zip", files)))]
    check = inspect_uploads(given, Settings()).as_props()["check"]
    found = {one["title"]: one for one in check["findings"]}
    assert found["Labels that cannot be read"]["examples"][0].startswith("my set/labels/train/one.txt, line 1: found 1")
    assert found["Boxes that reach outside the image"]["problem"]
    assert not found["Images without labels"]["problem"]
    assert [(one["split"], one["images"]) for one in check["splits"]] == [("train", 3), ("val", 1), ("test", 1)]


def test_of_a_large_upload_some_images_are_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.web.jobs.upload_check._MOST_EXAMINED", 2)
    given = [("set.zip", str(as_zip(tmp_path / "set.zip", yolo())))]
    shown = inspect_uploads(given, Settings()).as_props()
    assert (shown["check"]["images"]["examined"], shown["check"]["images"]["count"]) == (2, 5)
    assert shown["classes"] == [{"name": name} for name in CATEGORIES]


@pytest.mark.parametrize("name", ["a.arrow", "a.npz", "labels.csv"])
def test_a_file_without_any_image_is_refused_in_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"data")
    shown = inspect_uploads([(name, str(tmp_path / name))], Settings()).as_props()
    assert shown["images"] == 0
    assert [one["file"] for one in shown["refused"]] == [name]
    assert "add the images" in shown["refused"][0]["reason"]


def test_of_very_many_classes_the_first_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.web.jobs.uploads._CLASSES_SENT", 2)
    given = [("set.zip", str(as_zip(tmp_path / "set.zip", yolo())))]
    shown = inspect_uploads(given, Settings()).as_props()
    assert (len(shown["classes"]), shown["classesTotal"]) == (2, len(CATEGORIES))
    assert len(shown["check"]["classes"]) == 2
    assert shown["check"]["objects"] > 0


def test_the_same_image_twice_is_shown_at_the_drop(tmp_path: Path) -> None:
    given = [("set.zip", str(as_zip(tmp_path / "set.zip", {"a/1.jpg": jpeg(), "b/2.jpg": jpeg(), "b/3.txt": b"x"})))]
    found = inspect_uploads(given, Settings()).as_props()["check"]["findings"]
    assert [one["examples"] for one in found if "nearly" in one["title"]] == [["my set/a/1.jpg: my set/b/2.jpg"]]


@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz", "set.tgz", "set.tar.xz", "kaggle.zip"])
def test_archives_of_every_kind_are_read_at_the_drop_and_by_the_job(tmp_path: Path, name: str) -> None:
    files = {"cats/a.jpg": jpeg(), "dogs/b.jpg": jpeg(seed=1), ".thumbnails/a.jpg": jpeg(), "cats/c.mp4": b"x"}
    packing: Packing = {"set.tar": "", "set.tar.xz": "xz"}.get(name, "gz")  # type: ignore[assignment]
    data = zipped({"train.zip": zipped(files)}) if name == "kaggle.zip" else tarred(files, packing)
    (tmp_path / name).write_bytes(data)
    uploads = [(name, str(tmp_path / name))]
    summary = inspect_uploads(uploads, Settings())
    assert (summary.images, sorted(summary.classes)) == (2, ["cats", "dogs"])
    assert [one["reason"] for one in summary.refused] == []
    assert any("Skipped hidden files" in notice for notice in summary.notices)
    assert any("extract its frames" in notice for notice in summary.notices)
    job = gather(link_uploads(uploads, tmp_path / "job" / "files"), limits(Settings()))
    assert [source.label for source in job.sources] == ["cats", "dogs"]


def test_what_a_job_would_say_of_labels_and_splits_is_said_at_the_drop(tmp_path: Path) -> None:
    """A row of the metadata whose image is missing, in the words of the job."""
    files = {"a.jpg": jpeg(), "metadata.csv": b"file_name,text\na.jpg,x\nb.jpg,y\n"}
    given = as_zip(tmp_path / "set.zip", files)
    shown = inspect_uploads([("set.zip", str(given))], Settings()).as_props()["notices"]
    assert [notice for notice in shown if "left out" in notice] == list(gathered(given).layout.notices)


def test_what_all_archives_may_have_together_is_said_at_the_drop(tmp_path: Path) -> None:
    """As the job says it, which reads the first one and not the second."""
    given = [as_zip(tmp_path / f"{name}.zip", {f"{name}{n}.jpg": jpeg(seed=n) for n in range(3)}) for name in "ab"]
    settings = Settings(max_archive_files=4)
    shown = inspect_uploads([(path.name, str(path)) for path in given], settings).as_props()
    job = gather(given, limits(settings, settings.max_files))
    assert shown["images"] == len(job.sources) == 3
    assert shown["refused"] == [{"file": one.file, "reason": one.reason} for one in job.failures]
    assert "more than 4 files together (AUGMENTAI_MAX_ARCHIVE_FILES)" in shown["refused"][0]["reason"]


def test_many_files_of_one_name_are_linked_in_time_in_proportion(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")

    def link(count: int) -> None:
        link_uploads([("a.png", str(tmp_path / "a.png"))] * count, tmp_path / f"{count}")

    assert calls_of(partial(link, 200)) < 3 * calls_of(partial(link, 100))
    assert len(list((tmp_path / "200").iterdir())) == 200
    assert (tmp_path / "200" / "a_200.png").exists()
