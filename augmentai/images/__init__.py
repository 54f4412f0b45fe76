"""Bytes to pixels and back: `decode` reads any photo safely, `encode` writes one marked as AI-made."""

from augmentai.images.decode import decode
from augmentai.images.encode import encode, extension_for
from augmentai.images.photo import ImageError, Photo

__all__ = ["ImageError", "Photo", "decode", "encode", "extension_for"]
