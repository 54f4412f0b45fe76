"""Repositories of the Hugging Face Hub: every write is a commit, so files are sent many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from augmentai.storage.errors import StorageError

README = "README.md"
FILES_OF_A_NEW_REPOSITORY = frozenset({".gitattributes", README})
_JOB_FIXES = {
    401: "set HF_TOKEN to a valid token, or run: hf auth login",
    402: "jobs are paid with credits of the account; add some at https://huggingface.co/settings/billing",
    403: "the token may not start jobs; create one that may at https://huggingface.co/settings/tokens",
    404: "see whether the account may start jobs, and whether --flavor names its hardware",
}


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


@contextmanager
def jobs_refused() -> Iterator[None]:
    """Turn what the Hub's client raises while jobs are started and looked at into `StorageError`.

    Example:
        >>> from huggingface_hub.errors import LocalTokenNotFoundError
        >>> with jobs_refused():
        ...     raise LocalTokenNotFoundError("Token is required")
        Traceback (most recent call last):
        augmentai.storage.errors.StorageError: Token is required; set HF_TOKEN to a valid token, or run: hf auth login
    """
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalTokenNotFoundError

    try:
        yield
    except LocalTokenNotFoundError as error:
        raise StorageError(f"{error}; {_JOB_FIXES[401]}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        said = error.server_message or error.response.reason_phrase
        raise StorageError(f"the Hub answered {status} ({said}); {_JOB_FIXES.get(status, 'try later')}") from error
    except HTTPError as error:
        raise StorageError(f"the Hub does not answer ({error}); try later") from error


def end_job(job: str, namespace: str | None, token: str) -> None:
    """End a job of the Hub, unless it has ended or the Hub does not answer.

    Args:
        job: its id.
        namespace: whose it is; None for the user's.
        token: of the user.
    """
    from huggingface_hub import cancel_job

    with suppress(Exception):
        cancel_job(job_id=job, namespace=namespace, token=token)


def end_of_job(job: str, namespace: str | None, token: str) -> str:
    """How a job of the Hub ended, and where its log is.

    Args:
        job, namespace, token: see `end_job`.
    """
    from huggingface_hub import inspect_job

    info = inspect_job(job_id=job, namespace=namespace, token=token)
    why = f"{info.status.stage}: {info.status.message}" if info.status.message else str(info.status.stage)
    return f"{why}; its log is at {info.url}"
