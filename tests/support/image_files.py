"""Small real files of every kind, as cameras, programs and attackers write them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SIZE_WH = (48, 32)


def colours(size_wh: tuple[int, int] = SIZE_WH, seed: int = 0) -> Image.Image:
    """An image with smooth colour, detail, black and white: (height, width, 3) in 0..255."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * x / max(width - 1, 1)
    green = 255 * y / max(height - 1, 1)
    blue = 127 + 127 * np.sin((x + 2 * y) / 5 + seed)
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 1))
    return Image.fromarray((np.stack([red, green, blue], -1) + noise).clip(0, 255).astype(np.uint8))


def greys(size_wh: tuple[int, int] = SIZE_WH, seed: int = 0) -> Image.Image:
    return colours(size_wh, seed).convert("L")


def alpha_of(size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    """Every value of transparency, from clear to solid."""
    width, height = size_wh
    return Image.fromarray((np.arange(width * height).reshape(height, width) * 7 % 256).astype(np.uint8))


def deep_values(size_wh: tuple[int, int] = SIZE_WH, kind: Any = np.uint16, top: int = 65535) -> np.ndarray[Any, Any]:
    """(height, width) values over the whole range 0..top, more of them than 8 bits can distinguish."""
    width, height = size_wh
    return (np.arange(width * height).reshape(height, width) * (top / (width * height - 1))).astype(kind)


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    if file_format in {"HEIF", "HEIC"}:
        import pillow_heif

        pillow_heif.register_heif_opener()
        file_format = "HEIF"
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def jpeg(size_wh: tuple[int, int] = SIZE_WH, seed: int = 0, **options: Any) -> bytes:
    return encoded(colours(size_wh, seed), "JPEG", **{"quality": 90, **options})


def png(size_wh: tuple[int, int] = SIZE_WH, seed: int = 0, **options: Any) -> bytes:
    return encoded(colours(size_wh, seed), "PNG", **options)


def frames(file_format: str, count: int = 3, **options: Any) -> bytes:
    """An animation, or a TIFF or MPO of several pages; the first is `colours()`."""
    rest = [colours(seed=seed) for seed in range(1, count)]
    return encoded(colours(), file_format, save_all=True, append_images=rest, **options)


def exif_with(orientation: int = 1, gps: bool = False, camera: str = "") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if camera:
        exif[0x010F] = exif[0x0110] = camera
        exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 1.0), 3: "E", 4: (8.0, 33.0, 1.0)})
    return exif.tobytes()


def stored_turned(upright: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """How a camera held that way stores an upright image: (H, W[, C]) to (H, W[, C]) or (W, H[, C]).

    From the EXIF standard (CIPA DC-008, table of tag 274), by hand, so that Pillow is not tested against itself.
    """
    turned = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[:, ::-1],
    }[orientation](upright)
    return np.ascontiguousarray(turned)


# PNG by hand, for what Pillow does not write.


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(header: tuple[int, int, int, int, int], rows: bytes, extra: bytes = b"") -> bytes:
    """header: width, height, bit depth, colour type, interlace. rows: each with its filter byte in front."""
    width, height, depth, colour, interlace = header
    ihdr = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    chunks = png_chunk(b"IHDR", ihdr) + extra + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def interlaced_png(image: Image.Image) -> bytes:
    """Adam7 (PNG specification, 8.2)."""
    pixels = np.asarray(image)
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b"".join(
        b"\0" + row.tobytes() for x, y, across, down in passes for row in pixels[y::down, x::across] if row.size
    )
    return raw_png((image.width, image.height, 8, 2, 1), rows)


def png_16_bit_colour(values: np.ndarray[Any, Any]) -> bytes:
    """values: uint16 (H, W, 3)."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return raw_png((width, height, 16, 2, 0), rows)


def png_claiming(width: int, height: int) -> bytes:
    """A tiny file whose header claims any size."""
    return raw_png((width, height, 8, 2, 0), b"\0" * 100)


# Colour profiles.


def rgb_profile(name: str = "Display-P3-like") -> bytes:
    """A profile of an RGB space that is not sRGB's own bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[48:52] = name.encode()[:4]  # the manufacturer field: free to choose
    return bytes(profile)


def grey_profile() -> bytes:
    profile = bytearray(rgb_profile())
    profile[16:20] = b"GRAY"
    return bytes(profile)


def cmyk_profile() -> bytes:
    """A CMYK profile (ICC.1:2001-04, lut8Type) of a press whose cyan prints as violet, unlike any default."""
    tables = bytes(range(256))
    corners = bytearray()
    for c in (0, 1):
        for m in (0, 1):
            for y in (0, 1):
                for k in (0, 1):
                    lightness = 255 * (1 - k) * (1 - 0.3 * c) * (1 - 0.3 * m) * (1 - 0.1 * y)
                    a, b = 128 + 50 * c + 60 * m, 128 - 80 * c + 80 * y
                    corners += bytes([int(lightness), int(a) if not k else 128, int(b) if not k else 128])
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + tables * 4 + bytes(corners) + tables * 3
    text = b"text\0\0\0\0none\0"
    name = b"violet press\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 79
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    tags = [(b"desc", desc), (b"cprt", text), (b"wtpt", white), (b"A2B0", lut)]
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


def ycck_jpeg(cmyk: Image.Image) -> bytes:
    """What Photoshop writes: CMYK, inverted, its first three inks as luma and chroma (Adobe marker, transform 2)."""
    inverted = 255 - np.asarray(cmyk)
    luma_chroma = np.asarray(Image.fromarray(255 - inverted[..., :3]).convert("YCbCr"))
    planes = np.dstack([luma_chroma, inverted[..., 3]])
    data = encoded(Image.fromarray(255 - planes, "CMYK"), "JPEG", quality=100, subsampling=0)
    marker = data.index(b"Adobe") + 11
    return data[:marker] + b"\x02" + data[marker + 1 :]


# ZIPs, valid and malicious.


def zipped(files: dict[str, bytes] | Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP whose entry names are written verbatim, even those that no program should write."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            entry.compress_type = method
            archive.writestr(entry, data)
    return buffer.getvalue()


def zip_with_flags(data: bytes, flags: int) -> bytes:
    """Set more flags on every entry of a ZIP, in both of its headers: 1 is "encrypted"."""
    patched = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = patched.find(signature)
        while at >= 0:
            old = struct.unpack_from("<H", patched, at + place)[0]
            struct.pack_into("<H", patched, at + place, old | flags)
            at = patched.find(signature, at + 4)
    return bytes(patched)


def zip_with_method(data: bytes, method: int) -> bytes:
    """Declare another compression method for every entry of a ZIP."""
    patched = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = patched.find(signature)
        while at >= 0:
            struct.pack_into("<H", patched, at + place, method)
            at = patched.find(signature, at + 4)
    return bytes(patched)


def zip_claiming(data: bytes, size: int) -> bytes:
    """Declare `size` bytes uncompressed for every entry of a ZIP, in both of its headers."""
    patched = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = patched.find(signature)
        while at >= 0:
            struct.pack_into("<L", patched, at + place, size)
            at = patched.find(signature, at + 4)
    return bytes(patched)


def zip_overlapping(name: str, data: bytes, copies: int) -> bytes:
    """Many entries that all point at the same bytes: the simplest form of D. Fifield's bomb (USENIX WOOT 2019)."""
    one = zipped({name: data}, zipfile.ZIP_DEFLATED)
    directory = one.index(b"PK\x01\x02")
    entry = one[directory : one.index(b"PK\x05\x06")]
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, copies, copies, len(entry) * copies, directory, 0)
    return one[:directory] + entry * copies + end
