"""Detecting what a file is from its first bytes: names are not reliable."""

from __future__ import annotations

HEAD_BYTES = 512  # enough for every type below

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),  # an empty one
    (b"%PDF", "PDF"),
)
_BRANDS = {"AVIF": {b"avif", b"avis"}, "HEIF": {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}}
# Extensions of images; SVG is included so that it is rejected with a reason and not silently ignored.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".tga", ".svg", ".svgz"}
)
RAW_SUFFIXES = (".arw", ".cr2", ".cr3", ".dng", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw", ".x3f")
IMAGE_TYPES = frozenset({"JPEG", "PNG", "GIF", "TIFF", "JPEG2000", "WEBP", "AVIF", "HEIF", "BMP"})


def detect_type(head: bytes) -> str | None:
    """Detect the type of a file.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of a shorter one.

    Returns:
        One of `IMAGE_TYPES`, "ZIP", "PDF", "SVG", "HTML" or "text", or None if unknown.

    Example:
        >>> detect_type(b"\\x89PNG\\r\\n\\x1a\\n"), detect_type(b"<!doctype html>"), detect_type(bytes(8))
        ('PNG', 'HTML', None)
    """
    head = head[:HEAD_BYTES]
    for magic, detected in _MAGIC:
        if head.startswith(magic):
            return detected
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return next((kind for kind, brands in _BRANDS.items() if head[8:12] in brands), None)
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":  # the two letters alone would match many a text
        return "BMP"
    return _text_type(head)


def _text_type(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").replace(b"\0", b"").strip().lower()
    if text.startswith(b"<"):
        found = {name: text.find(mark) for name, mark in (("SVG", b"<svg"), ("HTML", b"<html"))}
        found["HTML"] = max(found["HTML"], text.find(b"<!doctype html"))
        found["SVG"] = max(found["SVG"], text.find(b"<!doctype svg"))
        present = [name for name, place in found.items() if place >= 0]
        if present:
            return min(present, key=lambda name: found[name])
    if not head or any(byte < 9 or 13 < byte < 32 for byte in head):
        return None
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return "text" if error.start > len(head) - 4 > 0 else None  # the last character may have been cut off
    return "text"
