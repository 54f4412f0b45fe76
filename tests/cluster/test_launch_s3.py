"""Plans, sources and shards in an object store over HTTP, which is busy now and then."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from augmentai.cluster import ClusterError, merge, plan, run_shards, status
from augmentai.storage import StorageError, open_store
from augmentai.storage.cache import received_files
from tests.support.s3_server import BUCKET, S3Server
from tests.support.shared_runs import QUICK, assert_same, photos, single


@pytest.fixture
def uploaded(s3: S3Server, tmp_path: Path) -> str:
    """The URL of a set."""
    folder, store = photos(tmp_path / "set", {"cats": 4, "dogs": 3}), open_store(f"s3://{BUCKET}/set")
    for path in folder.rglob("*.jpg"):
        store.put(path.relative_to(folder).as_posix(), path.read_bytes())
    return store.url


def test_workers_read_and_write_the_store(tmp_path: Path, s3: S3Server, uploaded: str) -> None:
    url = f"s3://{BUCKET}/plan"
    assert plan(uploaded, url, shard_size=2, **QUICK).folder.list.in_rows
    assert run_shards(url, workers=2).status.is_complete
    merge(url, tmp_path / "merged")
    merge(url, f"s3://{BUCKET}/merged")
    alone = single(tmp_path / "set", tmp_path, **QUICK)
    for folder in (tmp_path / "merged", alone):
        (folder / "recipe.yaml").unlink()  # it names the set where it was
    assert_same(tmp_path / "merged", alone)
    stored = s3.files("merged/")
    assert {name for name in stored if name.endswith(".jpg")} == {
        path.relative_to(alone).as_posix() for path in alone.rglob("*.jpg")
    }
    assert all((alone / name).read_bytes() == data for name, data in stored.items() if name.endswith(".jpg"))


def test_a_busy_store_costs_a_shard_until_the_next_try(tmp_path: Path, s3: S3Server, uploaded: str) -> None:
    url = f"s3://{BUCKET}/plan"
    plan(uploaded, url, shard_size=3, **QUICK)
    s3.fault = lambda method, path: 503 if method == "PUT" and path.endswith("00001.tar") else None
    found = run_shards(url).status
    assert (found.done, list(found.failed)) == (2, [1])
    assert "503" in found.failed[1] or "SlowDown" in found.failed[1] or "reduce" in found.failed[1]
    numbers = count()
    s3.fault = lambda method, path: 503 if method != "HEAD" and next(numbers) % 7 == 0 else None  # s3fs retries
    assert run_shards(url).status.is_complete
    assert status(url).failed == {}


def test_a_listing_that_was_interrupted_reads_no_image_twice(tmp_path: Path, s3: S3Server, uploaded: str) -> None:
    url = f"s3://{BUCKET}/plan"
    s3.fault = lambda method, path: 403 if method == "PUT" and path.endswith("shards.json") else None
    with pytest.raises(OSError, match=r"shards\.json"):
        plan(uploaded, url, **QUICK)
    s3.fault = lambda method, path: None
    s3.asked.clear()
    received_files.cache_clear()  # as in another process
    assert not plan(uploaded, url, **QUICK).resumed
    read = [path for method, path in s3.asked if method == "GET" and path.endswith(".jpg")]
    assert len(read) < 2  # one, to see what kind of files they are
    assert plan(uploaded, url, **QUICK).resumed


def test_a_bucket_that_is_not_there_is_named(s3: S3Server, tmp_path: Path) -> None:
    words = "there is no such bucket as nowhere; create it, or check its name"
    with pytest.raises(StorageError, match=words):
        status("s3://nowhere/plan")
    with pytest.raises(ClusterError, match=words):
        plan("s3://nowhere/set", tmp_path / "plan", **QUICK)
    with pytest.raises(StorageError, match=words):
        plan(photos(tmp_path / "set", {"cats": 2}), "s3://nowhere/plan", **QUICK)
