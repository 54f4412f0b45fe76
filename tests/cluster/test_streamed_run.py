"""A plan of a set that is not in memory: file for file that of the same set in memory."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.cluster import plan
from augmentai.cluster.planning import Planned
from augmentai.storage import open_store
from tests.support.image_files import encoded
from tests.support.shared_runs import QUICK, photos
from tests.support.unlike_images import SIZE_WH, unlike


def plain(folder: Path) -> None:
    photos(folder, {"cats": 5, "dogs": 3, "owls": 1})


def splits(folder: Path) -> None:
    """Classes in splits, one of which is called by no split's name."""
    for split in ("train", "val", "test"):
        photos(folder / split, {"cats": 3, "dogs": 2})


def held_out_alone(folder: Path) -> None:
    photos(folder, {"test": 2, "cats": 2, "dogs": 2})


def names_that_collide(folder: Path) -> None:
    """Names in other letters, with other endings, as variations are called, and as names become that were taken."""
    photos(folder, {"cats": 3, "dogs": 1})
    names = ["a.jpg", "A.jpeg", "a.jpeg", "b__v1.jpg", "b.jpg", "caf\u00e9.jpg", "cafe\u0301.jpeg", "frame.001.jpg"]
    for number, name in enumerate(names):
        (folder / "cats" / name).write_bytes(unlike(50 + number))
    first = sha256((folder / "cats/a.jpeg").read_bytes()).hexdigest()[:8]
    (folder / f"cats/a__{first}.jpg").write_bytes(unlike(90))
    (folder / f"cats/A__{first}__v2.jpg").write_bytes(unlike(91))
    (folder / "manifest.jsonl").mkdir()
    (folder / "manifest.jsonl/x.jpg").write_bytes(unlike(92))


def equal_files(folder: Path) -> None:
    photos(folder, {"cats": 3, "dogs": 3})
    (folder / "cats/twin.jpg").write_bytes((folder / "cats/00.jpg").read_bytes())
    (folder / "dogs/twin.jpg").write_bytes((folder / "cats/00.jpg").read_bytes())
    (folder / "dogs/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0nothing")
    (folder / "dogs/a:b.jpg").write_bytes(unlike(70))
    (folder / "1:2").mkdir()
    (folder / "1:2/c.jpg").write_bytes(unlike(71))
    (folder / "loose.jpg").write_bytes(unlike(72))
    Path(os.fsdecode(os.fsencode(folder) + b"/cats/caf\xe9.jpg")).write_bytes(unlike(60))
    (folder / "video.mp4").write_bytes(b"no image")


def memory_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, sets are read as a whole."""
    monkeypatch.setattr("augmentai.cluster.planning.stream_set", lambda *_: None)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_streamed(planned: Planned) -> bool:
    return not planned.plan.sources


@pytest.mark.parametrize("make", [plain, splits, held_out_alone, names_that_collide, equal_files])
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
