"""Bytes to pixels and back: `decode` reads any photograph safely, `encode` writes one marked as AI-made."""

from augmentai.images.decode import ImageError, Photo, decode
from augmentai.images.encode import encode, extension_for

__all__ = ["ImageError", "Photo", "decode", "encode", "extension_for"]
