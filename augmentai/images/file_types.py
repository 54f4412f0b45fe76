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
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),  # an empty one
    (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1f\x8b", "GZIP"),
    (b"BZh", "BZIP2"),
    (b"\xfd7zXZ\x00", "XZ"),
    (b"\x28\xb5\x2f\xfd", "ZSTD"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"8BPS", "PSD"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance"),
    (b"SIMPLE  =", "FITS"),
    (b"gimp xcf", "XCF"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"%!PS-Adobe", "PostScript"),
    (b"\x93NUMPY", "NumPy"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"FLV\x01", "video"),
    (b"\x00\x00\x01\xba", "video"),
    (b"\x00\x00\x01\xb3", "video"),
)
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp4", b"M4V", b"qt  ", b"avc1", b"3gp", b"3g2", b"dash")
_BRANDS = {"AVIF": {b"avif", b"avis"}, "HEIF": {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}}
# Extensions of images; SVG is included so that it is rejected with a reason and not silently ignored.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".tga", ".svg", ".svgz"}
)
# Images that nothing here decodes: they are refused by name or content, each with what to do.
UNREADABLE_IMAGES = {
    "JPEG XL": "convert it to PNG or JPEG",
    "JPEG XR": "convert it to PNG or JPEG",
    "DICOM": "export it as 16-bit PNG or TIFF",
    "PSD": "export it as PNG or TIFF",
    "XCF": "export it as PNG or TIFF",
    "OpenEXR": "convert it to TIFF",
    "Radiance": "convert it to TIFF",
    "FITS": "convert it to TIFF",
    "QOI": "convert it to PNG",
    "DDS": "convert it to PNG",
    "PostScript": "export it as PNG",
}
# Files that may hold images, of which each is not one.
UNREADABLE_FILES = {
    "video": "extract its frames as images first",
    "NumPy": "save its arrays as PNG or TIFF, or pass them to augmentai.augment",
    "HDF5": "save its arrays as PNG or TIFF, or pass them to augmentai.augment",
    "PDF": "export its pages as PNG",
}
_SUFFIXES_OF = {
    "JPEG XL": (".jxl",),
    "JPEG XR": (".jxr", ".wdp", ".hdp"),
    "DICOM": (".dcm", ".dicom"),
    "PSD": (".psd", ".psb"),
    "XCF": (".xcf",),
    "OpenEXR": (".exr",),
    "Radiance": (".hdr", ".rgbe"),
    "FITS": (".fits", ".fit", ".fts"),
    "QOI": (".qoi",),
    "DDS": (".dds",),
    "PostScript": (".eps", ".ps", ".ai"),
    "video": (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".wmv", ".flv", ".mpg", ".mpeg", ".3gp", ".mts"),
    "NumPy": (".npy", ".npz"),
    "HDF5": (".h5", ".hdf5", ".mat"),
    "PDF": (".pdf",),
}
TYPE_OF_SUFFIX = {suffix: kind for kind, suffixes in _SUFFIXES_OF.items() for suffix in suffixes}
RAW_SUFFIXES = (
    ".arw",
    ".cr2",
    ".cr3",
    ".dng",
    ".iiq",
    ".nef",
    ".nrw",
    ".orf",
    ".pef",
    ".raf",
    ".rw2",
    ".rwl",
    ".srw",
    ".x3f",
)
IMAGE_TYPES = frozenset({"JPEG", "PNG", "GIF", "TIFF", "JPEG2000", "WEBP", "AVIF", "HEIF", "BMP"})


def detect_type(head: bytes) -> str | None:
    """Detect the type of a file.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of a shorter one.

    Returns:
        One of `IMAGE_TYPES`, `UNREADABLE_IMAGES` or `UNREADABLE_FILES`; an archive ("ZIP", "TAR", "7Z", "RAR") or
        compressed file ("GZIP", "BZIP2", "XZ", "ZSTD"); "SVG", "HTML" or "text"; or None if unknown.

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
        known = next((kind for kind, brands in _BRANDS.items() if head[8:12] in brands), None)
        return known or ("video" if head[8:12].startswith(_VIDEO_BRANDS) else None)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video"
    if head[128:132] == b"DICM":
        return "DICOM"
    if head[257:262] == b"ustar":
        return "TAR"
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
