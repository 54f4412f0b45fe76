"""Errors of stores: which URL, what came back, what to do."""

from __future__ import annotations


class StorageError(OSError):
    """A store cannot be used or refuses something; the message names the URL, what came back and what to do."""


class MissingFileError(StorageError, FileNotFoundError):
    """There is no such file in the store."""


class MissingBucketError(MissingFileError):
    """There is no such bucket, or container, of a store."""


def store_fault(error: BaseException | None) -> str:
    """What a store answered, if an error comes from one that refused or did not answer; "" if it does not.

    Args:
        error: with the errors behind it.

    Example:
        >>> try:
        ...     raise ValueError("a.txt cannot be read") from StorageError("s3://bucket/a.txt: busy")
        ... except ValueError as error:
        ...     store_fault(error)
        's3://bucket/a.txt: busy'
    """
    while error is not None:
        if isinstance(error, StorageError) and not isinstance(error, MissingFileError):
            return str(error)
        error = error.__cause__
    return ""
