"""Training photographs: read once, kept small in memory, given out as random crops in varied light."""

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

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


class Photos:
    """Photographs of a folder or a ZIP, each as uint8 (3, h, w) with the short side at most `short_side`.

    weights: glob on the file name -> how often it is drawn, relative to 1.
    Raises ValueError where nothing in `places` can be read.
    """

    def __init__(
        self,
        places: Sequence[Path],
        short_side: int = 192,
        limit: int = 20_000,
        weights: dict[str, float] | None = None,
    ) -> None:
        entries = [entry for place in places for entry in _entries(place)]
        if len(entries) > limit:  # an even sample, so that every folder stays in
            entries = [entries[i] for i in np.linspace(0, len(entries) - 1, limit).astype(int)]
        with ThreadPoolExecutor(4) as pool:
            read = list(pool.map(lambda entry: _small(entry[1], short_side), entries))
        kept = [(name, picture) for (name, _), picture in zip(entries, read, strict=True) if picture is not None]
        if len(kept) < 16:
            raise ValueError(
                f"{len(kept)} usable photographs in {', '.join(map(str, places))}: training needs 16 or more"
            )
        self.names = [name for name, _ in kept]
        self.pictures = [picture for _, picture in kept]
        drawn = [_weight(name, weights or {}) for name in self.names]
        self.chances = torch.tensor(drawn, dtype=torch.double)

    def __len__(self) -> int:
        return len(self.pictures)

    def crops(self, count: int, size: int, rng: torch.Generator) -> Tensor:
        """`count` crops of different photographs: (count, 3, size, size) in 0..1, flipped at random."""
        chosen = torch.multinomial(self.chances, count, replacement=False, generator=rng)
        return torch.stack([_crop(self.pictures[i], size, rng) for i in chosen.tolist()])

    def batches(self, count: int, size: int, seed: int, first: int, threads: int = 4) -> Iterator[Tensor]:
        """Batches of `crops` without end from number `first` on, made ahead in threads.

        What a batch holds hangs on (seed, its number) alone.
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
        """One photograph as the app shows it to the network: (1, 3, h, w), h and w multiples of 16."""
        from augmentai.gan.render import thumbnail_size_wh

        picture = self.pictures[index]
        width, height = thumbnail_size_wh((picture.shape[2], picture.shape[1]), area_px)
        return F.interpolate(picture[None].float() / 255, (height, width), mode="bilinear", antialias=True)


def _entries(place: Path) -> Iterator[tuple[str, Path | tuple[Path, str]]]:
    if zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            for name in sorted(archive.namelist()):
                if Path(name).suffix.lower() in _SUFFIXES:
                    yield Path(name).name, (place, name)
    else:
        for path in sorted(place.rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                yield path.name, path


def _weight(name: str, weights: dict[str, float]) -> float:
    for pattern, weight in weights.items():
        if fnmatch.fnmatch(name, pattern):
            return weight
    return 1.0


def _small(entry: Path | tuple[Path, str], short_side: int) -> Tensor | None:
    try:
        if isinstance(entry, tuple):
            with zipfile.ZipFile(entry[0]) as archive:
                stream: io.BytesIO = io.BytesIO(archive.read(entry[1]))
        else:
            stream = io.BytesIO(entry.read_bytes())
        with Image.open(stream) as opened:
            opened.draft("RGB", (short_side, short_side))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except Exception as error:  # any broken file: training goes on without it
        print(f"left out: {entry}: {error}")
        return None
    if min(picture.size) < 48:
        return None
    scale = short_side / min(picture.size)
    if scale < 1:  # never enlarged: blur would be learnt
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def _uniform(low: float, high: float, rng: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng))


def _crop(picture: Tensor, size: int, rng: torch.Generator) -> Tensor:
    _, height, width = picture.shape
    # Half to all of the short side: the app shows the network whole pictures, so a crop must hold a scene.
    side = max(16, int(min(height, width) * _uniform(0.55, 1.0, rng)))
    top, left = int(_uniform(0, height - side + 0.999, rng)), int(_uniform(0, width - side + 0.999, rng))
    part = picture[:, top : top + side, left : left + side].float()[None] / 255
    part = F.interpolate(part, (size, size), mode="bilinear", antialias=True)[0]
    return part.flip(2) if torch.rand((), generator=rng) < 0.5 else part
