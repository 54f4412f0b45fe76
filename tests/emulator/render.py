"""What the emulator paints: the input, in a light that depends on the prompt and the seed."""

from __future__ import annotations

import hashlib
import io
import math
import os
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from tests.emulator.contract import Route


def paint(
    name: str,
    route: Route,
    fields: dict[str, str],
    seed: int,
    source: Image.Image | None,
    mask: Image.Image | None = None,
) -> Image.Image:
    """Equal fields, seed and source give equal pixels. Strength 0 is the source resized, 1 is another light on it.

    An inpainted image is another one where its mask is white, grown as asked, and a little off where it is black.
    """
    size = answer_size(name, route, fields, source)
    words = "|".join((name, fields.get("model", ""), fields.get("prompt", ""), str(seed)))
    digest = hashlib.sha256(words.encode()).digest()
    grid = np.random.default_rng(int.from_bytes(digest[:8], "big")).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    if source is None:
        return Image.fromarray(grid).resize(size, Image.Resampling.BILINEAR)
    if name == "edit/inpaint":
        scene = Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)
        return Image.composite(scene, _coded(source.convert("RGB")), _grown(mask, source, fields))
    share = float(fields.get("strength", 0.5))
    if "control_strength" in fields or name in {"control/structure", "control/sketch"}:
        share = 1 - float(fields.get("control_strength", 0.7))
    resized = source.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    # Two by two lamps: what the image shows stays, as in a good repaint.
    lamps = Image.fromarray(grid[:2, :2]).resize(size, Image.Resampling.BILINEAR)
    lit = ImageChops.add(ImageChops.multiply(resized, lamps), lamps.point(lambda v: v // 3))
    return Image.blend(resized, lit, share)


def _grown(mask: Image.Image | None, source: Image.Image, fields: dict[str, str]) -> Image.Image:
    """Where to paint: the mask resized, or else what is transparent, and `grow_mask` pixels more on each side."""
    where = mask.convert("L") if mask is not None else ImageChops.invert(source.getchannel("A"))
    grown = 2 * round(float(fields.get("grow_mask", 5))) + 1
    where = where.resize(source.size).point(lambda level: 255 if level > 127 else 0)
    return where.filter(ImageFilter.MaxFilter(grown)) if grown > 1 else where


def _coded(image: Image.Image) -> Image.Image:
    """As it comes back from a model's latent space: nearly the same, and nowhere exactly."""
    return image.point(lambda level: min(255, level + 2))


@cache
def plain(size_wh: tuple[int, int], kind: str) -> bytes:
    """A photograph-like file of that size, the same every time."""
    grid = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    return encode(Image.fromarray(grid).resize(size_wh, Image.Resampling.BICUBIC), kind)


def answer_size(name: str, route: Route, fields: dict[str, str], source: Image.Image | None) -> tuple[int, int]:
    if route.size == "text" or (route.size == "mp" and source is None):
        across, down = map(int, fields.get("aspect_ratio", "1:1").split(":"))
        return _megapixel(across / down, 1536 if name == "generate/core" else 1024)
    assert source is not None
    if route.size == "mp":
        return _megapixel(source.width / source.height, 1024)
    if route.size == "x4":
        return source.width * 4, source.height * 4
    if name == "edit/outpaint":
        grown = {side: int(float(fields.get(side) or 0)) for side in ("left", "right", "up", "down")}
        return source.width + grown["left"] + grown["right"], source.height + grown["up"] + grown["down"]
    return source.size


def _megapixel(aspect: float, side: int) -> tuple[int, int]:
    """About side x side pixels at that aspect ratio, in steps of 64."""
    return tuple(max(1, round(side * math.sqrt(f) / 64)) * 64 for f in (aspect, 1 / aspect))  # type: ignore[return-value]


def encode(image: Image.Image, kind: str) -> bytes:
    """As png, jpeg or webp. A PNG carries a chunk of random bytes, as the service's provenance record does."""
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **({"compress_level": 1} if kind == "png" else {}))
    data = buffer.getvalue()
    if kind != "png":
        return data
    record = os.urandom(64)
    chunk = struct.pack(">I", len(record)) + b"caBX" + record + struct.pack(">I", zlib.crc32(b"caBX" + record))
    return data[:33] + chunk + data[33:]  # after the signature (8 bytes) and IHDR (25)


def blurred(image: Image.Image) -> Image.Image:
    return image.resize((8, 8)).resize(image.size, Image.Resampling.BILINEAR)
