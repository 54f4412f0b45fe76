"""What is a URL of a store, and which of its parts AugmentAI takes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from augmentai.storage.errors import StorageError
from augmentai.system.extras import Extra

# A drive of Windows has one letter.
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_LOCAL = {"file", "local"}
# Which part of an installation has the driver.
EXTRAS: dict[str, Extra] = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "azure"),
    "hf": "hub",
}


def is_url(text: object) -> bool:
    """Whether something names a place in a store rather than a path.

    Example:
        >>> is_url("s3://bucket/set"), is_url("file:///data/set"), is_url("C:\\\\set"), is_url("sets/cats")
        (True, True, False, False)
    """
    return isinstance(text, str) and _URL.match(text) is not None


def scheme_of(text: str) -> str:
    """The scheme of a URL in small letters; "file" for a path.

    Example:
        >>> scheme_of("S3://bucket"), scheme_of("/data/set")
        ('s3', 'file')
    """
    found = _URL.match(text)
    return found["scheme"].lower() if found else "file"


def local_path(text: str | os.PathLike[str]) -> Path | None:
    """The path that is meant, if it is on this machine's disk.

    Args:
        text: a path or a URL.

    Returns:
        The path, also of `file://` and `local://` URLs; None if it is in a store.

    Example:
        >>> local_path("file:///data/my%20set").as_posix(), local_path("s3://bucket/set")
        ('/data/my set', None)
    """
    found = _URL.match(text) if isinstance(text, str) else None
    if found is None:
        return Path(text)
    return Path(unquote(found["rest"])) if found["scheme"].lower() in _LOCAL else None


def checked(url: str) -> str:
    """A URL that may be opened, without slashes at its end.

    Raises:
        StorageError: it is chained, contains a password, or names no bucket.

    Example:
        >>> checked("s3://bucket/set/")
        's3://bucket/set'
    """
    found = _URL.match(url)
    if found is None:
        raise StorageError(f"{url!r} is not a URL; expected one such as s3://bucket/folder")
    place = found["rest"].partition("/")[0]
    if ":" in place.rpartition("@")[0]:
        shown = f"{found['scheme']}://...@{place.rpartition('@')[2]}"
        raise StorageError(
            f"{shown} contains a password, which would be written into the result; {how_to_sign_in(url)}"
        )
    if "::" in url:
        raise StorageError(f"{url} chains several stores; name the file or folder itself, such as s3://bucket/folder")
    if not found["rest"].strip("/"):
        raise StorageError(f"{url} names no bucket or folder; expected one such as s3://bucket/folder")
    return f"{found['scheme'].lower()}://{found['rest'].rstrip('/')}"


def how_to_sign_in(url: str) -> str:
    """Where the driver of a URL finds credentials, as advice."""
    return {
        "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a profile of ~/.aws",
        "gcs": "set GOOGLE_APPLICATION_CREDENTIALS, or run gcloud auth application-default login",
        "azure": "set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_CONNECTION_STRING",
        "hub": "set HF_TOKEN, or run hf auth login",
    }.get(EXTRAS.get(scheme_of(url), ""), "give its driver credentials in the way that its documentation says")
