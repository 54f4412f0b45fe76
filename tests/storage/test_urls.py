"""Which URLs are taken, and what is said of the others."""

from __future__ import annotations

import pytest

from augmentai.storage import StorageError, is_url, local_path, open_store
from augmentai.storage.urls import EXTRAS, checked
from augmentai.system import extras


@pytest.mark.parametrize(
    "text", ["s3://b/k", "gs://b", "abfs://c@account.dfs.core.windows.net/k", "hf://datasets/me/x"]
)
def test_urls(text: str) -> None:
    assert is_url(text)
    assert local_path(text) is None
    assert checked(f"{text}/") == text


@pytest.mark.parametrize("text", ["a/b", "/a", "C:\\a", "C://a", "a:b", "://x", "", b"s3://b", None])
def test_paths(text: object) -> None:
    assert not is_url(text)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://key:secretOfMine@bucket/set", "contains a password"),
        ("s3://", "names no bucket"),
        ("memory:///", "names no bucket"),
        ("zip://a.txt::s3://bucket/a.zip", "chains several stores"),
        ("nosuch://bucket/a", "fsspec has no driver for nosuch://"),
    ],
)
def test_others_are_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(StorageError, match=words) as caught:
        open_store(url)
    assert "secretOfMine" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "extra"), EXTRAS.items())
def test_a_missing_driver_is_named_with_its_extra(scheme: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.MODULES, extra, ("no_such_driver",))
    with pytest.raises(StorageError, match=rf"no_such_driver not installed \(extra augmentai\[{extra}\]\); run pip"):
        open_store(f"{scheme}://bucket/set")
