"""What a run has made already, as its manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.checkpoint import Checkpoint, repair_manifest
from augmentai.dataset.manifest import MANIFEST
from augmentai.types import Rejection, Source

A, B = Source.from_bytes("a.jpg", b"a"), Source.from_bytes("b.jpg", b"b")
REJECTED = {"seed": 3, "filter": "flat", "reason": "it is flat", "scores": {}}


def made(source: Source, index: int, **more: Any) -> dict[str, Any]:
    """A line of the manifest."""
    entry = {"source": source.path, "source_sha256": source.sha256, "index": index, "status": "ok", "engine": "gan"}
    return entry | {"file": f"{source.path[0]}__v{index}.jpg"} | more


def failed(source: Source, index: int, **more: Any) -> dict[str, Any]:
    return made(source, index, status="failed", engine=None, file=None, **more)


def written(folder: Path, *entries: dict[str, Any]) -> bytes:
    """A manifest of these lines, and the files that they name."""
    for entry in entries:
        if entry["file"]:
            (folder / entry["file"]).write_bytes(b"image")
    manifest = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    (folder / MANIFEST).write_bytes(manifest)
    return manifest


def test_each_variation_counts_once() -> None:
    checkpoint = Checkpoint([A, B])
    assert checkpoint.record(made(A, 1, credits=2.5))
    assert not checkpoint.record(made(A, 1))
    assert not checkpoint.record(made(Source.from_bytes("a.jpg", b"other"), 1))
    assert checkpoint.record(made(B, 16))
    found = [(source.path, index) for source in (A, B) for index in range(1, 20) if (source, index) in checkpoint]
    assert found == [("a.jpg", 1), ("b.jpg", 16)]
    assert (checkpoint.variations, checkpoint.engines["gan"], checkpoint.credits) == (2, 2, 2.5)


def test_rejected_attempts_are_remembered() -> None:
    checkpoint = Checkpoint([A])
    assert not checkpoint.has_rejections
    for entry in ({}, {"status": "failed"}, failed(A, 0), failed(A, 1), failed(A, 1, rejected=[{"colour": 1}])):
        checkpoint.record_rejections(entry)
    assert not checkpoint.has_rejections, "none of these lines is one of a rejected variation"
    checkpoint.record_rejections(failed(A, 2, rejected=[REJECTED]))
    assert checkpoint.has_rejections
    assert checkpoint.rejections(A, 2) == (Rejection(3, "flat", "it is flat"),)
    assert checkpoint.rejections(A, 1) == ()


def test_a_rejected_variation_that_was_paid_for_counts_as_done(tmp_path: Path) -> None:
    written(tmp_path, failed(A, 1, rejected=[REJECTED], credits=2.0), failed(A, 2, rejected=[REJECTED]))
    checkpoint = repair_manifest(tmp_path, [A])
    assert (A, 1) in checkpoint
    assert (A, 2) not in checkpoint
    assert (checkpoint.skipped_paid, checkpoint.variations, checkpoint.credits) == (1, 0, 2.0)
    assert checkpoint.rejections(A, 2)


def test_a_complete_manifest_is_not_touched(tmp_path: Path) -> None:
    manifest = written(tmp_path, made(A, 1), made(A, 2), made(B, 1))
    before = (tmp_path / MANIFEST).stat()
    assert repair_manifest(tmp_path, [A, B]).variations == 3
    after = (tmp_path / MANIFEST).stat()
    assert (tmp_path / MANIFEST).read_bytes() == manifest
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("state", ["missing", "empty", "zeros", "another size"])
def test_a_variation_whose_file_is_incomplete_is_removed(tmp_path: Path, state: str) -> None:
    written(tmp_path, made(A, 1, bytes=[5]), made(A, 2, bytes=[5]))
    path = tmp_path / "a__v1.jpg"
    {
        "missing": path.unlink,
        "empty": lambda: path.write_bytes(b""),
        "zeros": lambda: path.write_bytes(bytes(5)),
        "another size": lambda: path.write_bytes(b"images"),
    }[state]()
    checkpoint = repair_manifest(tmp_path, [A])
    assert (A, 1) not in checkpoint
    assert (A, 2) in checkpoint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a__v2.jpg", MANIFEST]
    assert (tmp_path / MANIFEST).read_bytes().count(b"\n") == 1


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    checkpoint = repair_manifest(tmp_path, [A])
    assert (checkpoint.variations, checkpoint.manifest) == (0, None)
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_of_sources_that_are_not_finished(tmp_path: Path) -> None:
    written(tmp_path, made(A, 1), made(B, 1), made(B, 2))
    checkpoint = repair_manifest(tmp_path, [A, B])
    assert checkpoint.fingerprints(lambda source: range(1, 3)) == {("a.jpg", A.sha256): {1: None}}
