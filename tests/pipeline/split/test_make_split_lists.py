"""Lists that a new split leaves out of date are named before the run, and none that is written anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, augmented, contents, write
from tests.support.mask_sets import mask_set

NAMES = [f"images/{n}.jpg" for n in range(6)]
PHOTOS: Files = {name: jpeg((64, 48), seed) for seed, name in enumerate(NAMES)}
KARPATHY = [{"filename": f"{n}.jpg", "imgid": n, "split": "train", "sentences": []} for n in range(6)]
YOLO = {f"labels/{n}.txt": b"0 0.5 0.5 0.2 0.2\n" for n in range(6)}
LINES = "".join(f"{name}\n" for name in NAMES).encode()
# (files beside the images, what is left out)
LISTS: dict[str, tuple[Files, str]] = {
    "Karpathy's records": ({"dataset.json": json.dumps({"images": KARPATHY}).encode()}, "dataset.json"),
    "a table": (
        {"splits.csv": b"file,split\n" + b"".join(f"{name},train\n".encode() for name in NAMES)},
        "splits.csv",
    ),
    "a list, which is written anew": (
        {**YOLO, "train.txt": LINES, "data.yaml": b"train: train.txt\nnames: [cup]\n"},
        "",
    ),
    "a list that data.yaml does not name": (
        {**YOLO, "lists/train.txt": LINES, "data.yaml": b"names: [cup]\n"},
        "lists/train.txt",
    ),
    "a table of masks": (
        {
            **mask_set([], [f"gt/{n}_m.png" for n in range(6)]),
            "pairs.csv": ("image,mask\n" + "".join(f"images/{n}.jpg,gt/{n}_m.png\n" for n in range(6))).encode(),
        },
        "pairs.csv",
    ),
    "no list": (YOLO, ""),
}


@pytest.mark.parametrize(("files", "left_out"), LISTS.values(), ids=LISTS)
def test_what_is_left_out_is_said_before(files: Files, left_out: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", {**PHOTOS, **files})
    job = augmented([given], tmp_path / "out", variations=1, make_split="50/50", geometry="none")
    said = [notice for notice in job.plan.notices if notice.startswith("left out, since the set has a split now: ")]
    assert said == ([f"left out, since the set has a split now: {left_out}"] if left_out else [])
    assert [notice for notice in job.report.as_dict()["notices"] if notice.startswith("left out, since")] == said
    assert not left_out or left_out not in contents(tmp_path / "out")
