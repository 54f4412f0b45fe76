"""The same files in every kind of store: on disk, in memory, and on S3 and Google Cloud Storage over HTTP."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.storage import MissingFileError, StorageError, Store, open_store
from tests.support.gs_server import GS_BUCKET, gs_server
from tests.support.s3_server import BUCKET, S3Server

NAMES = ["a-b/1.jpg", "a.txt", "a/1.jpg", "a/b/2.jpg", "a/b/10.jpg", "ab.txt", "b/ä ö.jpg", "b/中.jpg", "z"]
IN_ORDER = sorted(NAMES)


@pytest.fixture(scope="module")
def gs() -> Iterator[None]:
    """A server of Google Cloud Storage, which this process knows."""
    with gs_server() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(params=["disk", "memory", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "disk":
        yield open_store(tmp_path / "set")
    elif request.param == "s3":
        request.getfixturevalue("s3")
        yield open_store(f"s3://{BUCKET}/a set")
    elif request.param == "gs":
        request.getfixturevalue("gs")
        yield open_store(f"gs://{GS_BUCKET}/{tmp_path.name}")
    else:
        from fsspec.implementations.memory import MemoryFileSystem

        yield open_store("memory://a set")
        MemoryFileSystem.store.clear()


def test_files_are_listed_by_their_whole_name_and_resumed_anywhere(store: Store) -> None:
    for name in NAMES:
        store.put(name, name.encode())
    assert [file.path for file in store.list()] == IN_ORDER
    assert [file.size_bytes for file in store.list()] == [len(name.encode()) for name in IN_ORDER]
    assert all(file.version for file in store.list())
    for count, name in enumerate(IN_ORDER, 1):
        assert [file.path for file in store.list(after=name)] == IN_ORDER[count:]
    assert [file.path for file in store.list(after="a/b/1")] == IN_ORDER[IN_ORDER.index("a/b/10.jpg") :]
    assert [file.path for file in store.list("a/b")] == ["a/b/10.jpg", "a/b/2.jpg"]
    assert [file.path for file in store.list("a/b", after="a/b/10.jpg")] == ["a/b/2.jpg"]
    assert list(store.list("nothing")) == []


def test_a_put_replaces_and_a_delete_may_find_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(b"from disk")
    store.put_files({"x/a": b"one", "x/b": tmp_path / "local"})
    assert (store.read("x/a"), store.read("x/b"), store.size_bytes("x/b")) == (b"one", b"from disk", 9)
    store.put("x/a", b"another")
    assert store.read("x/a") == b"another"
    assert (store.is_file("x/a"), store.is_file("x"), store.exists("x"), store.exists("y")) == (
        True,
        False,
        True,
        False,
    )
    store.delete("x/a")
    store.delete("x/a")
    assert not store.exists("x/a")
    assert [file.path for file in store.list()] == ["x/b"]


def test_a_file_is_read_in_pieces_and_anywhere(store: Store, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("1.txt", "2.txt"):
            info = tarfile.TarInfo(name)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"text" + name[:1].encode()))
    store.put("a.tar", packed.getvalue())
    with store.open("a.tar") as file, tarfile.open(fileobj=file) as tar:
        assert tar.extractfile("2.txt").read() == b"text2"  # type: ignore[union-attr]
        assert tar.extractfile("1.txt").read() == b"text1"  # type: ignore[union-attr]
    store.get_file("a.tar", tmp_path / "copy.tar")
    assert (tmp_path / "copy.tar").read_bytes() == packed.getvalue()
    one = store.within("a.tar")
    assert one.is_file()
    assert one.read() == packed.getvalue()


def test_what_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    for ask in (store.read, store.size_bytes, lambda path: store.get_file(path, tmp_path / "copy")):
        with pytest.raises(MissingFileError, match=r"a/b was not found; check the name"):
            ask("a/b")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("path", ["../b", "/etc/passwd", "a/../../b", "a\0b"])
def test_no_path_leads_out(store: Store, path: str) -> None:
    for ask in (store.read, store.exists, store.delete, store.within, lambda path: store.put(path, b"")):
        with pytest.raises(StorageError, match="is not a path in"):
            ask(path)


def test_another_process_may_have_it(store: Store) -> None:
    store.put("a", b"one")
    assert pickle.loads(pickle.dumps(store)) == store
    assert pickle.loads(pickle.dumps(store)).read("a") == b"one"


def test_pages_follow_each_other(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.storage.listing._KEYS_PER_CALL", 2)
    store = open_store(f"s3://{BUCKET}/set")
    for name in NAMES:
        store.put(name, b"")
    s3.asked.clear()
    assert [file.path for file in store.list()] == IN_ORDER
    assert len(s3.asked) == 5
    files = store.list(after="a.txt")
    assert next(files).path == "a/1.jpg"
    assert len(s3.asked) == 6  # a page at a time


def test_a_busy_store_is_asked_again_and_then_reported(s3: S3Server) -> None:
    store = open_store(f"s3://{BUCKET}/set")
    left = [503, 503]
    s3.fault = lambda method, path: left.pop() if left and method == "PUT" else None
    store.put("a", b"one")
    assert store.read("a") == b"one"
    s3.fault = lambda method, path: 503 if method == "PUT" else None
    with pytest.raises(StorageError, match=r"set/b: the store does not answer .*finished files are kept"):
        store.put("b", b"two")
    s3.fault = lambda method, path: 403
    with pytest.raises(StorageError, match=r"set/a: access denied .*set AWS_ACCESS_KEY_ID"):
        store.read("a")


def test_without_credentials_it_says_where_they_are_looked_for(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageError, match=r"no credentials .*set AWS_ACCESS_KEY_ID .*AWS_PROFILE"):
        open_store(f"s3://{BUCKET}/set").read("a")


def test_a_server_that_is_gone_is_reported(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match="the store does not answer"):
        open_store(f"s3://{BUCKET}/gone").put("a", b"")


def test_a_broken_write_on_disk_leaves_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put("a", b"one")
    with pytest.raises(StorageError):
        store.put_file("a", tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert store.read("a") == b"one"


def test_a_file_that_should_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"file/plan/a\.jpg: what should be a folder of this path is a file; choose"):
        open_store(tmp_path / "file/plan").read("a.jpg")


def test_a_bucket_that_is_missing_is_named(s3: S3Server) -> None:
    with pytest.raises(
        StorageError, match=r"s3://nowhere/a\.jpg: there is no such bucket as nowhere; create it, or check"
    ):
        open_store("s3://nowhere").put("a.jpg", b"x")
