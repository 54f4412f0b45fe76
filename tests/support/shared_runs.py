"""Runs that are shared out among workers, beside the same runs on their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from augmentai import run
from augmentai.cluster import merge, plan, run_shards
from tests.support.unlike_images import unlike

MANIFEST = "manifest.jsonl"
QUICK: dict[str, Any] = {"engine": "none", "operations": ["flip", "crop", "noise"], "seed": 7, "variations": 2}


def photos(folder: Path, classes: dict[str, int]) -> Path:
    """Images that all differ, in class folders."""
    number = 0
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for one in range(count):
            (folder / name / f"{one:02}.jpg").write_bytes(unlike(number))
            number += 1
    return folder


def captioned(files: dict[str, bytes], folder: str = "") -> dict[str, bytes]:
    """The same set with a caption for each image, beside it or in a folder."""
    texts = {}
    for path in files:
        if path.endswith((".jpg", ".png")):
            text = Path(folder, f"{Path(path).stem}.caption") if folder else Path(path).with_suffix(".txt")
            texts[str(text)] = f"a photo of something that lies outside in the sun, number {Path(path).stem}\n".encode()
    return {**files, **texts}


def shared(inputs: Path, folder: Path, shard_size: int = 3, workers: int = 1, **recipe: Any) -> Path:
    """Plan, run and merge. Returns the merged folder."""
    plan(inputs, folder / "plan", shard_size=shard_size, **recipe)
    assert run_shards(folder / "plan", workers=workers).status.is_complete
    merge(folder / "plan", folder / "merged")
    return folder / "merged"


def single(inputs: Path, folder: Path, **recipe: Any) -> Path:
    """The same on one machine. Returns its folder."""
    return Path(str(run(inputs, folder / "single", **recipe).path))


def written(folder: Path) -> dict[str, Any]:
    """Every file of a run; of the manifest the lines, without their times, whatever their order."""
    files: dict[str, Any] = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    lines = [json.loads(line) for line in files.pop(MANIFEST).splitlines()]
    for line in lines:
        del line["seconds"]
    files[MANIFEST] = sorted(json.dumps(line, sort_keys=True) for line in lines)
    return files


def assert_same(one: Path, other: Path) -> None:
    """Both runs wrote the same files."""
    first, second = written(one), written(other)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
