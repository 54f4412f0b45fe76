"""Training photos: read once, kept in memory at reduced size, and served as random crops."""

from __future__ import annotations

import fnmatch
import io
import itertools
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from augmentai.system.regular_files import read_regular

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


class Photos:
    """The photos of folders and ZIPs, in memory at reduced size.

    Args:
        locations: Folders and ZIPs.
        short_side_px: Photos whose short side is longer are reduced to it.
        limit: Use at most this many, an even sample of all.
        weights: Glob on the file name -> how often it is drawn, relative to 1.

    Raises:
        ValueError: Fewer than 16 photos can be used.

    Shape:
        images: uint8 (3, h, w) each
    """

    def __init__(
        self,
        locations: Sequence[Path],
        short_side_px: int = 192,
        limit: int = 20_000,
        weights: dict[str, float] | None = None,
    ) -> None:
        entries = [entry for location in locations for entry in _entries(location)]
        if len(entries) > limit:  # an even sample, so that every folder is represented
            entries = [entries[i] for i in np.linspace(0, len(entries) - 1, limit).astype(int)]
        with ThreadPoolExecutor(4) as pool:
            read = list(pool.map(lambda entry: _read(entry[1], short_side_px), entries))
        kept = [(name, image) for (name, _), image in zip(entries, read, strict=True) if image is not None]
        if len(kept) < 16:
            raise ValueError(
                f"{len(kept)} usable photos in {', '.join(map(str, locations))}: training needs 16 or more"
            )
        self.names = [name for name, _ in kept]
        self.images = [image for _, image in kept]
        self.chances = torch.tensor([_weight(name, weights or {}) for name in self.names], dtype=torch.double)

    def __len__(self) -> int:
        return len(self.images)

    def crops(self, count: int, size: int, rng: torch.Generator) -> Tensor:
        """Draw `count` crops of different photos, flipped at random: (count, 3, size, size) in 0..1."""
        chosen = torch.multinomial(self.chances, count, replacement=False, generator=rng)
        return torch.stack([_crop(self.images[i], size, rng) for i in chosen.tolist()])

    def batches(self, count: int, size: int, seed: int, first: int, threads: int = 4) -> Iterator[Tensor]:
        """Serve batches of `crops` without end, prepared ahead in threads.

        Args:
            count: Crops per batch.
            size: Side of a crop, in pixels.
            seed: Together with its number it determines a batch.
            first: Number of the first batch, so that training can resume.
            threads: Threads that prepare batches.
        """

        def batch(number: int) -> Tensor:
            return self.crops(count, size, torch.Generator().manual_seed(seed * 1_000_003 + number))

        with ThreadPoolExecutor(threads) as pool:
            ahead = deque(pool.submit(batch, number) for number in range(first, first + 2 * threads))
            try:
                for number in itertools.count(first + 2 * threads):
                    yield ahead.popleft().result()
                    ahead.append(pool.submit(batch, number))
            finally:
                pool.shutdown(cancel_futures=True)

    def whole(self, index: int, area_px: int) -> Tensor:
        """Return a whole photo as the app shows it to the network: (1, 3, h, w) in 0..1, h and w multiples of 16."""
        from augmentai.gan.runtime.pixels import thumbnail_size_wh

        image = self.images[index]
        width, height = thumbnail_size_wh((image.shape[2], image.shape[1]), area_px)
        return F.interpolate(image[None].float() / 255, (height, width), mode="bilinear", antialias=True)


def _entries(location: Path) -> Iterator[tuple[str, Path | tuple[Path, str]]]:
    if zipfile.is_zipfile(location):
        with zipfile.ZipFile(location) as archive:
            for name in sorted(archive.namelist()):
                if Path(name).suffix.lower() in _SUFFIXES:
                    yield Path(name).name, (location, name)
    else:
        for path in sorted(location.rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                yield path.name, path


def _weight(name: str, weights: dict[str, float]) -> float:
    for pattern, weight in weights.items():
        if fnmatch.fnmatch(name, pattern):
            return weight
    return 1.0


def _read(entry: Path | tuple[Path, str], short_side_px: int) -> Tensor | None:
    try:
        if isinstance(entry, tuple):
            with zipfile.ZipFile(entry[0]) as archive:
                stream: io.BytesIO = io.BytesIO(archive.read(entry[1]))
        else:
            stream = io.BytesIO(read_regular(entry))
        with Image.open(stream) as opened:
            opened.draft("RGB", (short_side_px, short_side_px))
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as error:  # any corrupt file: training continues without it
        print(f"skipped {entry}: {error}")
        return None
    if min(image.size) < 48:
        return None
    scale = short_side_px / min(image.size)
    if scale < 1:  # never enlarged: the network would learn blur
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _uniform(low: float, high: float, rng: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng))


def _crop(image: Tensor, size: int, rng: torch.Generator) -> Tensor:
    _, height, width = image.shape
    # Half to all of the short side: the app shows the network whole images, so a crop must contain a scene.
    side = max(16, int(min(height, width) * _uniform(0.55, 1.0, rng)))
    top, left = int(_uniform(0, height - side + 0.999, rng)), int(_uniform(0, width - side + 0.999, rng))
    part = image[:, top : top + side, left : left + side].float()[None] / 255
    part = F.interpolate(part, (size, size), mode="bilinear", antialias=True)[0]
    return part.flip(2) if torch.rand((), generator=rng) < 0.5 else part
