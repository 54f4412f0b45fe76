"""A mask in a file: how it is named after its image, read in its own mode and written as it came."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.dataset.formats.masks.content import MODES, is_lossy, read_content
from augmentai.dataset.formats.masks.lossy import without_noise
from augmentai.dataset.formats.masks.names import shows_instances
from augmentai.images.decode import FORMATS, load_decoders
from augmentai.images.orientation import Frame

_LARGEST_FILE_BYTES = 1 << 30
_PNG_MODES = MODES - {"F", "PA"}
# Formats that are written again as they came; a mask in any other is written as PNG.
_MODES_WRITTEN = {
    "PNG": _PNG_MODES,
    "TIFF": MODES - {"PA"},
    "BMP": {"1", "L", "P", "RGB", "RGBA"},
    "GIF": {"1", "L", "P"},
    "JPEG": {"L", "RGB"},
    "WEBP": {"RGB", "RGBA"},
    "PPM": {"1", "L", "I;16", "I", "RGB"},
    "TGA": {"L", "P", "RGB", "RGBA"},
}
_NAMES = ("prefix", "suffix", "core", "image_stem", "subfolder", "is_soft")  # of a `MaskFile`, but its file
_LOSSLESS_TIFF = {
    "raw",
    "packbits",
    "tiff_lzw",
    "tiff_deflate",
    "tiff_adobe_deflate",
    "group3",
    "group4",
    "lzma",
    "zstd",
}


@dataclass(frozen=True, slots=True)
class LoadedMask:
    """A mask that was read.

    Attributes:
        image: upright, of its image's size, in its own mode.
        size_wh: its own width and height, upright, in pixels.
        is_turned: it was drawn on the image as stored, and was turned upright.
        is_lossy: its file changes values when it is written.
        is_settled: it is not lossy, or its values were recovered.
    """

    image: Image.Image
    size_wh: tuple[int, int]
    is_turned: bool
    is_lossy: bool
    is_settled: bool


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A mask, and how its name is made from its image's.

    Attributes:
        entry: the file.
        prefix, suffix: what is before and after the image's name in the mask's stem.
        core: the image's name as it is in the mask's stem; None if it is the whole stem of the image.
        image_stem: the stem of its image, to which variations add their tag; only needed with `core`.
        is_soft: its values are shades, as those of a matte, and not classes.
        subfolder: the masks of each image are in a folder of its own, and keep their names.
    """

    entry: Entry
    prefix: str = ""
    suffix: str = ""
    core: str | None = None
    image_stem: str = ""
    subfolder: bool = False
    is_soft: bool = False

    def path_for(self, file: str) -> str:
        """The path of the mask of a variation, in the folder of this mask or in one beside it.

        Args:
            file: the path of the variation.
        """
        variation, folder = PurePosixPath(file).stem, parent(self.entry.path)
        ending = PurePosixPath(self.entry.path).suffix
        if _is_rewritten_as_png(self.entry):
            ending = ".png"
        if self.subfolder:
            own = PurePosixPath(folder).name.casefold() == self.image_stem.casefold()
            where = joined(parent(folder) if own else folder, variation)
            return joined(where, PurePosixPath(self.entry.path).stem + ending)
        if self.core is not None and variation.startswith(self.image_stem):
            variation = self.core + variation.removeprefix(self.image_stem)
        stem = f"{self.prefix}{variation}{self.suffix}"
        path = joined(folder, stem + ending)
        # A variation that is a PNG itself cannot share its name with its mask.
        return joined(folder, f"{stem}_mask{ending}") if path == file else path

    def load(self, frame: Frame) -> Image.Image:
        """The mask, upright, of its image's size, in its own mode.

        Args:
            frame: size and orientation of the image.

        Raises:
            LabelError: it cannot be read, or its sides are in another proportion than the image's.
        """
        return self.read(frame).image

    def read(self, frame: Frame) -> LoadedMask:
        """The mask, and what is needed to write it again. See `load`."""
        mask, lossy = _decoded(self.entry)
        if mask.mode not in MODES:
            raise LabelError(
                f"{self.entry.path} has pixels of mode {mask.mode}; expected P, L or 16-bit, as masks have"
            )
        upright, stored = _is_scaled(mask.size, frame.size_wh), _is_scaled(mask.size, frame.stored_wh)
        if not upright and not stored:
            found, expected = "x".join(map(str, mask.size)), "x".join(map(str, frame.size_wh))
            raise LabelError(f"{self.entry.path} has {found} pixels; expected {expected}, as its image")
        turned = not upright or frame.matches_stored(mask.size)
        if turned:
            mask = frame.upright(mask)
        settled = without_noise(mask) if lossy and not self.is_soft else mask
        own_wh = mask.size
        mask = settled if settled is not None else mask
        if mask.size != frame.size_wh:
            mask = _resized(mask, frame.size_wh)
        return LoadedMask(mask, own_wh, turned, lossy, settled is not None)

    def file_for(
        self, file: str, mask: Image.Image, frame: Frame, loaded: LoadedMask | None = None
    ) -> tuple[str, bytes]:
        """The mask of a variation as a file: (its path, its content).

        If nothing moved, the content is that of this file, to the byte.

        Args:
            file: the path of the variation.
            mask: of the variation's size, in this mask's mode.
            frame: size and orientation of the image that the variation was made from.
            loaded: this mask, if it was read already.
        """
        loaded = loaded or self.read(frame)
        is_unmoved = mask.mode == loaded.image.mode and mask.tobytes() == loaded.image.tobytes()
        if is_unmoved and not loaded.is_turned and not _is_rewritten_as_png(self.entry):
            return self.path_for(file), self.entry.read(_LARGEST_FILE_BYTES)
        return self.path_for(file), self.encode(mask, loaded)

    def encode(self, mask: Image.Image, loaded: LoadedMask) -> bytes:
        """The mask of a variation as a file of this mask's own kind and size.

        Args:
            mask: of the variation's size, in this mask's mode.
            loaded: this mask as it was read.
        """
        if mask.size != loaded.size_wh:
            mask = _resized(mask, loaded.size_wh)
        kind, compression = _kind_of(self.entry)
        if mask.mode == "F" and kind != "TIFF":
            raise LabelError(
                f"{self.entry.path} contains fractional values, which only TIFF can store; save it as TIFF"
            )
        if mask.mode not in _MODES_WRITTEN.get(kind, set()):
            return encode_mask(mask)
        buffer = io.BytesIO()
        mask.save(buffer, kind, **_options(kind, mask, compression))
        return buffer.getvalue()


def instance_masks(masks: Sequence[MaskFile], first: int = 0) -> dict[str, tuple[int, ...]]:
    """What `Labels.extra` says of the masks whose values are single objects; nothing if there are none.

    Args:
        masks: in the order of the labels.
        first: how many masks the labels have before these.
    """
    names = [f"{PurePosixPath(mask.entry.path).stem} {parent(mask.entry.path)}" for mask in masks]
    found = tuple(first + number for number, name in enumerate(names) if shows_instances(name))
    return {"instance_masks": found} if found else {}


def names_as_json(masks: Sequence[MaskFile]) -> list[dict[str, Any]]:
    """How masks are named after their image, as JSON can hold it; see `masks_from_json`."""
    return [{name: getattr(mask, name) for name in _NAMES} for mask in masks]


def masks_from_json(names: Sequence[Mapping[str, Any]], files: Sequence[Entry]) -> tuple[MaskFile, ...]:
    """The masks that `names_as_json` was asked about.

    Args:
        names: as it returned them.
        files: the masks' files.

    Example:
        >>> masks = [MaskFile(Entry("a_mask.png", ""), suffix="_mask")]
        >>> list(masks_from_json(names_as_json(masks), [mask.entry for mask in masks])) == masks
        True
    """
    return tuple(MaskFile(file, **one) for one, file in zip(names, files, strict=True))


def mask_named_by_table(entry: Entry, image: Entry, shared: bool) -> MaskFile:
    """A mask that a table names for an image.

    The masks of variations are named after these if the mask's own name contains the image's, else after both, so that
    no two variations share one.

    Args:
        entry: the mask.
        image: its image.
        shared: it is the mask of other images too.
    """
    own, stem = PurePosixPath(entry.path).stem, PurePosixPath(image.path).stem
    if stem in own and not shared:
        prefix, _, suffix = own.partition(stem)
        return MaskFile(entry, prefix, suffix)
    folder = parent(image.path).replace("/", "_")
    return MaskFile(entry, f"{own}__{folder}_" if folder else f"{own}__")


def encode_mask(mask: Image.Image) -> bytes:
    """A mask as PNG, with the same values, palette and transparent value."""
    if mask.mode == "I":
        mask = mask.convert("I;16")
    buffer = io.BytesIO()
    mask.save(buffer, "PNG", **_options("PNG", mask, ""))
    return buffer.getvalue()


def looks_like_mask(entry: Entry, size_wh: tuple[int, int] | None = None) -> bool:
    """Whether a file is a mask and not a photograph: large flat areas of few values.

    Args:
        entry: the file.
        size_wh: width and height that it must have, in pixels, upright or as stored; None for any.
    """
    found = read_content(entry)
    return found is not None and found.is_flat and (size_wh is None or found.size_wh in {size_wh, size_wh[::-1]})


def _decoded(entry: Entry) -> tuple[Image.Image, bool]:
    """(the pixels, whether the file is lossy)."""
    load_decoders()
    data = entry.read(_LARGEST_FILE_BYTES)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            frames = getattr(opened, "n_frames", 1) if opened.format in {"TIFF", "GIF", "WEBP"} else 1
            lossy = is_lossy(opened, data)
            opened.load()
            mask = opened.copy()
    except Exception as error:
        found = "it is no image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise LabelError(f"{entry.path} is not a valid {_type_expected(entry)} ({found}); save it again") from error
    if frames > 1:
        raise LabelError(f"{entry.path} has {frames} pages; expected one mask: save each page as a file of its own")
    return mask, lossy


def _type_expected(entry: Entry) -> str:
    suffix = PurePosixPath(entry.path).suffix.lstrip(".").upper()
    return {"JPG": "JPEG", "TIF": "TIFF", "": "image"}.get(suffix, suffix)


def _kind_of(entry: Entry) -> tuple[str, str]:
    """(format, compression) of a file."""
    load_decoders()
    with entry.open() as stream, Image.open(stream, formats=FORMATS) as opened:
        kind = {"MPO": "JPEG", "DIB": "BMP"}.get(opened.format or "", opened.format or "")
        return kind, str(opened.info.get("compression", ""))


def _is_rewritten_as_png(entry: Entry) -> bool:
    """Whether a mask is of a kind that cannot be written without changing its values."""
    try:
        kind = _kind_of(entry)[0]
    except Exception:
        return False  # reported when it is read
    return kind not in _MODES_WRITTEN


def _options(kind: str, mask: Image.Image, compression: str) -> dict[str, Any]:
    """What Pillow's encoder needs in order to keep the values of a mask."""
    if kind == "TIFF":
        return {"compression": compression if compression in _LOSSLESS_TIFF else "tiff_lzw"}
    if kind == "JPEG":
        return {"quality": 100, "subsampling": 0}
    if kind == "WEBP":
        return {"lossless": True, "exact": True}
    if kind not in {"PNG", "GIF"}:
        return {}
    options: dict[str, Any] = {"optimize": False}
    if "transparency" in mask.info:
        options["transparency"] = mask.info["transparency"]
    colours = len(mask.getpalette() or ()) // 3
    if kind == "PNG" and mask.mode == "P" and int(np.asarray(mask).max(initial=0)) >= colours:
        options["bits"] = 8  # else as many as the palette has colours, and a value beyond it would become another
    return options


def _is_scaled(size_wh: tuple[int, int], image_wh: tuple[int, int]) -> bool:
    """Whether a size is that of an image, or the same at another scale, give or take a pixel."""
    (width, height), (full_width, full_height) = size_wh, image_wh
    if size_wh == image_wh:
        return True
    by_width, by_height = width * full_height / full_width, height * full_width / full_height
    return abs(by_width - height) <= 1 or abs(by_height - width) <= 1


def _resized(mask: Image.Image, size_wh: tuple[int, int]) -> Image.Image:
    """A mask at another size, by nearest neighbour: no new value appears."""
    made = mask.resize(size_wh, Image.Resampling.NEAREST)
    made.info = dict(mask.info)
    return made
