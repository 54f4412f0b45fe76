"""Darknet's obj.data, its lists and names, and CVAT's YOLO 1.1: read for the splits, and written for the larger set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.labelled_sets import Files, augmented, contents, gathered, photo, write

LINE = b"1 0.35 0.3125 0.3 0.375\n"


def darknet(prefix: str, names: str = "obj.names", data: str = "obj.data") -> Files:
    """Three images for training and two for validation, labels beside them; prefix: what the paths begin with."""
    files: Files = {}
    for split, numbers in (("train", (0, 1, 2)), ("valid", (3, 4))):
        for i in numbers:
            files[f"obj_{split}_data/f{i}.jpg"] = photo([("bus", i, 6, 24, 20)])
            files[f"obj_{split}_data/f{i}.txt"] = LINE
        files[f"{split}.txt"] = "".join(f"{prefix}obj_{split}_data/f{i}.jpg\n" for i in numbers).encode()
    files[names] = b"person\ncar\n"
    files[data] = (
        f"classes = 2\ntrain = {prefix}train.txt\nvalid  = {prefix}valid.txt\nnames={prefix}{names}\n".encode()
    )
    return files


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (darknet("data/"), "./obj_train_data/f0__v1.jpg"),  # CVAT's YOLO 1.1: the folder is called data there
        (darknet(""), "obj_train_data/f0__v1.jpg"),  # seen from the set
        (darknet("./"), "./obj_train_data/f0__v1.jpg"),
        (darknet("/home/somebody/set/"), "./obj_train_data/f0__v1.jpg"),  # somebody's machine
        (darknet("D:\\sets\\mine\\"), "./obj_train_data/f0__v1.jpg"),  # somebody's Windows
        (darknet("", "voc.names", "voc.data"), "obj_train_data/f0__v1.jpg"),  # other names
    ],
)
def test_darknet(files: Files, line: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", files))
    assert [source.split for source in (*found.sources, *found.holdout)] == ["train"] * 3 + ["val"] * 2
    assert found.sources[0].labels is not None
    assert [shape.category for shape in found.sources[0].labels.load().shapes] == ["car"]
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    for split, count in (("train", 6), ("valid", 2)):
        listed = out[f"{split}.txt"].decode().splitlines()
        assert len(listed) == count
        assert all((tmp_path / "out" / one).is_file() for one in listed), listed
    assert line in out["train.txt"].decode().splitlines()
    (data,) = [out[name].decode() for name in out if name.endswith(".data")]
    pairs = dict(part.split("=") for part in data.replace(" ", "").splitlines())
    assert pairs["classes"] == "2"
    assert all((tmp_path / "out" / pairs[key]).is_file() for key in ("train", "valid", "names"))
    assert out["obj_train_data/f0__v1.txt"] == LINE
    assert not any("__v" in name for name in out if "valid" in name)


def test_without_its_validation_images(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", darknet(""))], tmp_path / "out", variations=1, splits="leave-out")
    out = contents(tmp_path / "out")
    assert "valid.txt" not in out
    assert "valid" not in out["obj.data"].decode()


def test_numbers_of_other_data_files_are_no_set(tmp_path: Path) -> None:
    files = {"iris.data": b"5.1,3.5,1.4\n", "a.jpg": photo([])}
    assert gathered(write(tmp_path / "in", files)).layout.name == "folders"
