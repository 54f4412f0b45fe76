"""Sets of class folders with what is hard about them."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from tests.support.shared_runs import photos
from tests.support.unlike_images import unlike


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


FOLDER_SETS = (plain, splits, held_out_alone, names_that_collide, equal_files)
