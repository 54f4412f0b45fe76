"""A plan of a set that is not in memory: file for file that of the same set in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.cluster import plan
from augmentai.cluster.planning import Planned
from augmentai.storage import open_store
from tests.support.folder_sets import FOLDER_SETS, splits
from tests.support.image_files import encoded
from tests.support.s3_server import BUCKET, S3Server
from tests.support.shared_runs import QUICK, photos
from tests.support.unlike_images import SIZE_WH, unlike


def memory_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, sets are read as a whole."""
    monkeypatch.setattr("augmentai.cluster.planning.stream_set", lambda *_: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_streamed(planned: Planned) -> bool:
    return not planned.plan.sources


@pytest.mark.parametrize("make", FOLDER_SETS)
@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"balance": True, "most_per_source": 2, "operations": ["mosaic", "flip"]},
        {"per_class": 4, "engine": "gan", "operations": [], "originals": "none", "splits": "leave-out"},
    ],
    ids=["plain", "balance", "gan"],
)
def test_the_same_files_as_of_the_set_in_memory(
    tmp_path: Path, make: Callable[[Path], None], recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    make(folder)
    streamed = plan(folder, tmp_path / "streamed", shard_size=3, **{**QUICK, **recipe})
    assert is_streamed(streamed)
    memory_of(monkeypatch)
    whole = plan(folder, tmp_path / "whole", shard_size=3, **{**QUICK, **recipe})
    assert whole.plan.sources
    one, other = files(tmp_path / "streamed"), files(tmp_path / "whole")
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert (streamed.notices, streamed.failures) == (whole.notices, whole.failures)
    assert streamed.plan.total == whole.plan.total


def test_a_set_in_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splits(tmp_path / "set")
    store = open_store("memory://streamed")
    for path, data in files(tmp_path / "set").items():
        store.put(path, data)
    assert is_streamed(plan(store.url, tmp_path / "streamed", shard_size=2, **QUICK))
    memory_of(monkeypatch)
    assert not is_streamed(plan(store.url, tmp_path / "whole", shard_size=2, **QUICK))
    one, other = files(tmp_path / "streamed"), files(tmp_path / "whole")
    assert [name for name in one | other if one.get(name) != other.get(name)] == []


NAMES_OF_FOLDERS = ("cats/a.jpg/b.jpg", "test/cats/c.png/d.jpg", "dogs.jpg/e.jpg")
NEIGHBOURS = (
    "cats/a.jpg",
    "cats/a.jpg-1.jpg",
    "cats/a.jpg0.jpg",
    "cats/b.jpeg",
    "dogs/a.jpg",
    "cats.jpg",
    "cats-/a.jpg",
)


@pytest.mark.parametrize("name", [*NAMES_OF_FOLDERS, ""])
def test_an_image_that_is_called_as_a_folder(
    tmp_path: Path, s3: S3Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a store "a.jpg", "a.jpg-1.jpg" and "a.jpg/b.jpg" sort in another order than folder by folder."""
    store = open_store(f"s3://{BUCKET}/set")
    image = name.rpartition("/")[0]
    for number, path in enumerate(sorted({*NEIGHBOURS, *filter(None, (name, image))})):
        store.put(path, unlike(number))
    streamed = plan(store.url, tmp_path / "streamed", shard_size=2, **QUICK)
    assert is_streamed(streamed) is (not name)
    assert [failure.file for failure in streamed.failures] == [image] * bool(name)
    memory_of(monkeypatch)
    whole = plan(store.url, tmp_path / "whole", shard_size=2, **QUICK)
    one, other = files(tmp_path / "streamed"), files(tmp_path / "whole")
    assert [path for path in one | other if one.get(path) != other.get(path)] == []
    assert (streamed.notices, streamed.failures) == (whole.notices, whole.failures)


def test_masks_are_found_by_the_same_sample(tmp_path: Path) -> None:
    """Of two files whose names become one, the last is looked at."""
    folder = photos(tmp_path / "set", {"cats": 3})
    (folder / "cats/x:y.png").write_bytes(encoded(Image.new("RGB", SIZE_WH), "PNG"))
    (folder / "cats/x?y.png").write_bytes(mask())
    assert not is_streamed(plan(folder, tmp_path / "plan", **QUICK))


def test_a_plan_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3, "dogs": 2})
    plan(folder, tmp_path / "plan", **QUICK)
    before = files(tmp_path / "plan")
    again = plan(folder, tmp_path / "plan", **QUICK)
    assert (is_streamed(again), again.resumed) == (True, True)
    assert files(tmp_path / "plan") == before


def labels_beside(folder: Path) -> None:
    (folder / "cats/00.txt").write_text("0 0.5 0.5 0.2 0.2")


def masks_by_name(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks/00.png").write_bytes(mask())


def masks_of_other_endings(folder: Path) -> None:
    (folder / "cats/00.png").write_bytes(mask())


def masks_named_after(folder: Path) -> None:
    for number in range(3):
        (folder / f"cats/0{number}_m.png").write_bytes(mask())


def masks_in_a_folder(folder: Path) -> None:
    (folder / "other").mkdir()
    for number in range(3):
        (folder / f"other/0{number}.bmp").write_bytes(mask("BMP"))


def class_numbers(folder: Path) -> None:
    (folder / "dogs/17.png").write_bytes(mask())


def splits_by_name(folder: Path) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))):
        path.rename(path.with_stem(f"{'test' if number == 3 else 'train'}_{path.parent.name}{path.stem}"))


def an_archive_alone(folder: Path) -> None:
    photos(folder, {"more": 2})
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        for path in sorted(folder.rglob("*.jpg")):
            archive.write(path, path.relative_to(folder))
            path.unlink()


def mask(kind: str = "PNG") -> bytes:
    """Class numbers."""
    image = Image.new("L", SIZE_WH)
    image.paste(1, (10, 10, 40, 30))
    return encoded(image, kind)


@pytest.mark.parametrize(
    "change",
    [
        labels_beside,
        masks_by_name,
        masks_of_other_endings,
        masks_named_after,
        masks_in_a_folder,
        class_numbers,
        splits_by_name,
        an_archive_alone,
    ],
)
def test_what_needs_the_whole_set_has_it(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = photos(tmp_path / "set", {"cats": 3, "dogs": 3})
    change(folder)
    assert not is_streamed(plan(folder, tmp_path / "plan", **QUICK))


def test_several_inputs_splits_of_ones_own_and_other_formats_need_it_too(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3, "dogs": 3})
    assert not is_streamed(plan([folder / "cats", folder / "dogs"], tmp_path / "a", **QUICK))
    assert not is_streamed(plan(folder, tmp_path / "b", **QUICK, make_split="0.5/0.5/0"))
    assert not is_streamed(plan(folder, tmp_path / "c", **QUICK, to="imagefolder"))
    assert is_streamed(plan(folder, tmp_path / "d", **QUICK, layout="folders"))
