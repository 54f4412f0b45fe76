"""Files in object stores, on the Hugging Face Hub, in memory and on disk, each by its fsspec URL or path."""

from augmentai.storage.errors import MissingBucketError, MissingFileError, StorageError, store_fault
from augmentai.storage.store import Place, Store, StoredFile, open_store
from augmentai.storage.urls import is_url, local_path

__all__ = [
    "MissingBucketError",
    "MissingFileError",
    "Place",
    "StorageError",
    "Store",
    "StoredFile",
    "is_url",
    "local_path",
    "open_store",
    "store_fault",
]
