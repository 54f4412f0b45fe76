"""The fsspec driver of a URL, and its errors in words for the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from augmentai.storage.errors import MissingBucketError, MissingFileError, StorageError
from augmentai.storage.urls import EXTRAS, how_to_sign_in, is_url, scheme_of
from augmentai.system.extras import missing

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_LATER = "its driver had tried again; run the same command later: finished files are kept"
_NO_ACCESS = re.compile(r"\b(401|403)\b|AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken")
_PASSING = re.compile(
    r"\b(429|50[0234])\b|SlowDown|reduce your request rate|ServiceUnavailable|InternalError|time[d ]?-?out|"
    r"could not connect|cannot connect|connection",
    re.IGNORECASE,
)
_NO_BUCKET = re.compile(r"NoSuchBucket|bucket does not exist")
_STATUS_NAMES = ("status_code", "status")
_MOST_SHOWN = 300


def file_system(url: str) -> tuple[AbstractFileSystem, str]:
    """The driver of a URL, and the path as the driver calls it.

    Args:
        url: of a file or folder, or an absolute path.

    Raises:
        StorageError: the driver is not installed or rejects the URL.

    Example:
        >>> file_system("memory://set/a.jpg")[1]
        '/set/a.jpg'
    """
    from fsspec import filesystem, get_filesystem_class
    from fsspec.core import url_to_fs

    if not is_url(url):
        return filesystem("file"), url
    scheme = scheme_of(url)
    extra = EXTRAS.get(scheme)
    if extra is not None and (reason := missing(extra)):
        raise StorageError(f"{url} cannot be opened: {reason}")
    try:
        get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        raise StorageError(f"{url} cannot be opened: fsspec has no driver for {scheme}:// ({_brief(error)})") from error
    with storage_errors(url):
        # Another process writes as well, so a listing of before says nothing.
        fs, path = url_to_fs(url, use_listings_cache=False)
    return fs, str(path)


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Turn what a driver raises into `StorageError`.

    Args:
        url: what it is busy with, for the message.

    Example:
        >>> with storage_errors("s3://bucket/a.jpg"):
        ...     raise PermissionError("Forbidden")
        Traceback (most recent call last):
        augmentai.storage.errors.StorageError: s3://bucket/a.jpg: access denied (Forbidden); set AWS_ACCESS_KEY_ID ...
    """
    try:
        yield
    except (StorageError, TypeError, MemoryError):
        raise
    except FileNotFoundError as error:
        if _NO_BUCKET.search(str(error)):
            words = f"there is no such bucket as {urlsplit(url).netloc}; create it, or check its name"
            raise MissingBucketError(f"{url}: {words}") from error
        raise MissingFileError(f"{url} was not found; check the name") from error
    except NotADirectoryError as error:
        words = "what should be a folder of this path is a file; choose another folder"
        raise StorageError(f"{url}: {words}") from error
    except Exception as error:  # each driver has its own kinds
        if _status(error) == 404:
            raise MissingFileError(f"{url} was not found; check the name") from error
        raise StorageError(_words(url, error)) from error


def _words(url: str, error: Exception) -> str:
    found, kind = _brief(error), type(error).__name__
    if "Credentials" in kind or "credentials" in found:
        return f"{url}: no credentials ({found}); {how_to_sign_in(url)}"
    if isinstance(error, PermissionError) or _status(error) in {401, 403} or _NO_ACCESS.search(found):
        return f"{url}: access denied ({found}); {how_to_sign_in(url)}, of an account that may read or write there"
    is_passing = isinstance(error, TimeoutError | ConnectionError) or _status(error) in {429, 500, 502, 503, 504}
    if is_passing or _PASSING.search(f"{kind} {found}"):
        return f"{url}: the store does not answer ({found}), although {_LATER}"
    return f"{url}: {found}"


def _status(error: Exception) -> int:
    """The HTTP status behind an error, where its driver says so."""
    chain: list[Any] = [error, error.__cause__, error.__context__]
    for one in chain:
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            value = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            found = (getattr(response, "status_code", None), *(getattr(one, name, None) for name in _STATUS_NAMES))
            value = next((number for number in found if number is not None), None)
        if str(value).isdigit():
            return int(str(value))
    return 0


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
