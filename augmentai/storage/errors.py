"""Errors of stores: which URL, what came back, what to do."""

from __future__ import annotations


class StorageError(OSError):
    """A store cannot be used or refuses something; the message names the URL, what came back and what to do."""


class MissingFileError(StorageError, FileNotFoundError):
    """There is no such file in the store."""
