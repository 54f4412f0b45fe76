"""Repositories of the Hugging Face Hub: every write is a commit, so files are sent many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

README = "README.md"
FILES_OF_A_NEW_REPOSITORY = frozenset({".gitattributes", README})


def is_repository(url: str) -> bool:
    """Whether a URL is in a repository of the Hub, rather than in a bucket or elsewhere.

    Example:
        >>> [is_repository(url) for url in ("hf://datasets/me/set", "hf://buckets/me/raw", "s3://bucket/set")]
        [True, False, False]
    """
    return url.startswith("hf://") and not url.startswith("hf://buckets/")


def create_repository(fs: Any, root: str, private: bool = False) -> None:
    """Create the repository of a path if there is none.

    Args:
        fs: the driver, with the account's token.
        root: `datasets/USER/NAME`, with folders behind it or not.
        private: visible to its owner only; else as the owner's account has it by default.

    Raises:
        ValueError: the path names no repository.
        Exception: what the Hub's client raises.
    """
    kind, name = _repository_of(root)
    _api(fs).create_repo(name, repo_type=kind, private=private or None, exist_ok=True)
    fs.invalidate_cache()


def commit(fs: Any, root: str, files: Mapping[str, bytes | Path], outdated: Sequence[str] = ()) -> None:
    """Send files, and remove others, as one commit.

    Args:
        fs: the driver, with the account's token.
        root: the folder, as the driver calls it.
        files: {path below it: content, or the file on disk that has it}.
        outdated: files below it that are removed.

    Raises:
        Exception: what the Hub's client raises.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    place = fs.resolve_path(root)
    front = f"{place.path_in_repo}/" if place.path_in_repo else ""
    added = [CommitOperationAdd(front + path, content) for path, content in files.items()]
    removed = [CommitOperationDelete(front + path) for path in outdated]
    _api(fs).create_commit(
        place.repo_id,
        [*added, *removed],
        commit_message="Variations by AugmentAI",
        repo_type=place.repo_type,
        revision=place.revision,
    )
    fs.invalidate_cache()


def _api(fs: Any) -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=fs.endpoint, token=fs.token, library_name="augmentai")


def _repository_of(root: str) -> tuple[str, str]:
    """The kind and the name of the repository that a path is in: ("dataset", "me/set")."""
    parts = root.split("@")[0].strip("/").split("/")
    kind = {"datasets": "dataset", "spaces": "space"}.get(parts[0], "model")
    name = parts[1:3] if kind != "model" else parts[:2]
    if len(name) != 2:
        raise ValueError(f"hf://{root} names no repository; expected one such as hf://datasets/USER/NAME")
    return kind, "/".join(name)
