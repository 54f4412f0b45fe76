"""A set at a URL gives what the same set on disk gives, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from augmentai.dataset.readers.gather import gather
from augmentai.pipeline.job import limits
from augmentai.settings import Settings
from augmentai.storage import Store, open_store
from tests.support.image_files import zipped
from tests.support.labelled_sets import LAYOUTS, Files, augmented, coco, contents, voc, write, yolo
from tests.support.s3_server import BUCKET, S3Server


@pytest.fixture
def memory() -> Iterator[Store]:
    from fsspec.implementations.memory import MemoryFileSystem

    yield open_store("memory://a set")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def stored(store: Store, files: Files) -> Store:
    for name, data in files.items():
        store.put(name, data)
    return store


def same_runs(local: Path | list[Path], remote: Store | list[Store], tmp_path: Path) -> None:
    locals_, remotes = (list(one) if isinstance(one, list) else [one] for one in (local, remote))
    first = augmented(locals_, tmp_path / "from disk")
    second = augmented(remotes, tmp_path / "from a store")
    assert second.gathered.sources == first.gathered.sources
    assert second.gathered.holdout == first.gathered.holdout
    assert second.gathered.failures == first.gathered.failures
    assert second.gathered.notices == first.gathered.notices
    assert second.gathered.labels_sha256 == first.gathered.labels_sha256
    assert first.report.variations
    assert contents(tmp_path / "from a store") == contents(tmp_path / "from disk")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_set_in_a_store_is_the_set_on_disk(name: str, memory: Store, tmp_path: Path) -> None:
    files = LAYOUTS[name][1]
    same_runs(write(tmp_path / "a set", files), stored(memory, files), tmp_path)


ODD: Files = {
    "cats/a.jpg": next(data for name, data in yolo().items() if name.endswith(".jpg")),
    "cats/0001": next(data for name, data in yolo().items() if name.endswith(".jpg")),  # an image by its content
    "cats/.hidden.jpg": b"",
    "cats/Thumbs.db": b"",
    ".git/HEAD": b"",
    "__MACOSX/cats/._a.jpg": b"",
    ".thumbnails/a.jpg": b"",
    "dogs/broken.jpg": b"no image",
    "dogs/film.mp4": b"",
    "notes.md": b"words",
    "old.7z": b"",
    "boxes.tsv": b"a.jpg\t1\n",
    "earlier/manifest.jsonl": b'{"source": "a", "source_sha256": "b", "index": 1, "status": "ok"}\n',
    "earlier/cats/a__v1.jpg": b"",
    "earlier/cats/b__v1.jpg": b"",
    "web/manifest.jsonl": b'{"name": "my app"}\n',
    "more.zip": zipped({"x/a.jpg": b""}),
}


def test_odd_files_are_treated_and_reported_as_on_disk(memory: Store, tmp_path: Path) -> None:
    same_runs(write(tmp_path / "a set", ODD), stored(memory, ODD), tmp_path)


def test_names_that_no_disk_allows_fail_alone(s3: S3Server, tmp_path: Path) -> None:
    store, image = open_store(f"s3://{BUCKET}/odd"), ODD["cats/a.jpg"]
    for key in ("cats/a.jpg", "cats/a.jpg/b.jpg", "/c.jpg", "../d.jpg"):
        store.fs.pipe_file(f"{store.root}/{key}", image + key.encode())
    job = augmented([store], tmp_path / "larger")
    failed = {failure.file: failure.reason for failure in job.gathered.failures}
    assert failed.keys() == {"cats/a.jpg", "/c.jpg", "../d.jpg"}
    assert failed["cats/a.jpg"] == "a folder has the same name, which no disk allows; rename one of them"
    assert (tmp_path / "larger/cats/a.jpg/b.jpg").is_file()


def test_the_output_and_runs_at_work_are_not_searched(memory: Store) -> None:
    stored(memory, dict.fromkeys(("cats/a.jpg", "out/cats/a__v1.jpg", "other/cats/a__v1.jpg"), ODD["cats/a.jpg"]))
    memory.put("other/.augmentai.manifest.00001.jsonl", b"")
    found = gather([memory], limits(Settings()), skip=memory.within("out"))
    assert [source.path for source in found.sources] == ["cats/a.jpg"]
    assert "Folders of earlier runs are not searched; name them separately: other" in found.notices
    found = gather([memory.within("other")], limits(Settings()), skip=memory.within("other"))
    assert [source.path for source in found.sources] == ["cats/a__v1.jpg"]


def test_archives_in_a_folder_and_alone(memory: Store, tmp_path: Path) -> None:
    files = {"train.zip": zipped(LAYOUTS["class folders"][1]), "test.zip": zipped({"cats/b.jpg": ODD["cats/a.jpg"]})}
    same_runs(write(tmp_path / "a set", files), stored(memory, files), tmp_path)
    local, remote = tmp_path / "a set" / "train.zip", memory.within("train.zip")
    (tmp_path / "alone").mkdir()
    same_runs(local, remote, tmp_path / "alone")


def test_several_inputs_of_both_kinds(memory: Store, tmp_path: Path) -> None:
    """Each folder keeps its name, and a file of labels may come beside the images."""
    write(tmp_path / "a set", coco())
    stored(memory, {name: data for name, data in coco().items() if not name.endswith(".jpg")})
    folders = [tmp_path / "a set" / split for split in ("train", "val", "test")]
    both, alone = gather([*folders, memory], limits(Settings())), gather([tmp_path / "a set"], limits(Settings()))
    assert [(one.path, one.split) for one in both.sources] == [(one.path, one.split) for one in alone.sources]
    assert both.layout.name == alone.layout.name == "coco"


def test_one_image_and_what_is_not_there(memory: Store) -> None:
    stored(memory, ODD)
    (one,) = gather([memory.within("cats/a.jpg")], limits(Settings())).sources
    assert (one.path, one.read()) == ("a.jpg", ODD["cats/a.jpg"])
    found = gather([memory.within("nothing"), memory.within("old.7z.001")], limits(Settings()))
    assert [(failure.file, failure.reason) for failure in found.failures] == [
        ("memory://a set/nothing", "no such file or folder"),
        ("memory://a set/old.7z.001", "no such file or folder"),
    ]


def test_a_url_as_text_is_still_no_path() -> None:
    found = gather(["s3://bucket/set", "memory://a set"], limits(Settings()))
    assert not found.sources
    assert all("only files of this machine are read" in failure.reason for failure in found.failures)


@pytest.mark.parametrize("name", ["yolo", "coco", "voc", "class folders with splits"])
def test_large_files_are_read_in_pieces(
    name: str, memory: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("augmentai.dataset.readers.stored_member._SMALL_BYTES", 100)
    files = LAYOUTS[name][1]
    same_runs(write(tmp_path / "a set", files), stored(memory, files), tmp_path)


def test_a_file_that_changes_is_noticed(memory: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.dataset.readers.stored_member._SMALL_BYTES", 0)  # so that nothing is kept
    stored(memory, LAYOUTS["class folders"][1])
    source = gather([memory], limits(Settings())).sources[0]
    memory.put(source.path, b"another")
    with pytest.raises(OSError, match=r"memory://a set/.* was changed while the job was running"):
        source.read()


def test_each_file_is_received_once(s3: S3Server, tmp_path: Path) -> None:
    store = stored(open_store(f"s3://{BUCKET}/yolo set"), yolo())
    s3.asked.clear()
    same_runs(write(tmp_path / "yolo set", yolo()), store, tmp_path)
    received = [path for method, path in s3.asked if method == "GET" and path.count("/") > 1]
    assert len(received) == len(set(received)) == len(yolo())


def test_a_stop_ends_the_receiving(s3: S3Server) -> None:
    store, stop = stored(open_store(f"s3://{BUCKET}/yolo set"), yolo()), Event()
    s3.asked.clear()
    s3.fault = lambda method, path: stop.set()  # at the first request
    assert not gather([store], limits(Settings()), stop=stop).sources
    assert [path for method, path in s3.asked if path.count("/") > 2] == []


def test_what_a_busy_store_does_not_give_fails_alone(s3: S3Server, tmp_path: Path) -> None:
    store = stored(open_store(f"s3://{BUCKET}/voc set"), voc())
    image = next(name for name in voc() if name.endswith(".jpg"))
    s3.fault = lambda method, path: 503 if path.endswith(image) and method == "GET" else None
    found = gather([store], limits(Settings()))
    assert [failure.file for failure in found.failures] == [image]
    assert "the store does not answer" in found.failures[0].reason
    assert f"s3://{BUCKET}/voc set/{image}" in found.failures[0].reason
    s3.fault = lambda method, path: 403
    (failure,) = gather([store], limits(Settings())).failures
    assert failure.file == f"s3://{BUCKET}/voc set"
    assert "access denied" in failure.reason
    s3.fault = lambda method, path: None
    (failure,) = gather([open_store(f"s3://{BUCKET}/nothing")], limits(Settings())).failures
    assert (failure.file, failure.reason) == (f"s3://{BUCKET}/nothing", "no such file or folder")
    (failure,) = gather([open_store("s3://no-such-bucket/set")], limits(Settings())).failures
    words = "there is no such bucket as no-such-bucket; create it, or check its name"
    assert (failure.file, failure.reason) == ("s3://no-such-bucket/set", words)
