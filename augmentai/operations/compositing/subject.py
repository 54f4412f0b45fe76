"""Where the subject of a photograph is, found without any label: what differs from the border of the picture.

The backbone describes cells of 16 pixels. Each cell's distance to those at the border is split in two by Otsu's
threshold (Otsu 1979), and GrabCut (Rother et al. 2004) draws the outline in the pixels. That works for one object that
stands in its surroundings, and not for textures, scenes and heaps; so a mask has to pass `fault`, which refuses those
that cannot be right. A saliency network (`saliency`) finds subjects where this one does not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from augmentai.operations.bounded_cache import BoundedCache
from augmentai.operations.compositing.grab_cut import grab_cut
from augmentai.operations.compositing.packed_mask import PackedMask, packed, unpacked
from augmentai.operations.compositing.saliency import Model, salient_levels
from augmentai.operations.textures import small_size

_SIDE_PX = 320  # 20 x 20 cells
_CELLS = _SIDE_PX // 16
_OUTLINE_PX = 200  # side of the square in which GrabCut works: a pixel of it is half a percent of the image
_REFINED_PX = 640  # long side at which the outline follows the image
_REFINED = 0.012  # of that side: how far the edges of the image may move it
_UNSEEN = 1e-4  # variance of colours that is no edge
_NEAREST = 5  # border cells that a cell is compared with
_LEAST_CONTRAST = 2  # standard deviation in grey levels below which an image is flat
_AREA = (0.06, 0.7)  # share of the image that a subject covers
_MOST_BORDER = 0.25  # share of the image's border that a subject may touch
_LEAST_AGREEMENT = 0.5  # intersection over union of the cells and of the outline

# Of a network's mask, which is sure of its subject where the built-in one is not.
_SALIENT_AREA = (0.02, 0.85)
_MOST_SALIENT_BORDER = 0.5
_UNSURE = (64, 192)  # levels of 255 that are neither subject nor ground
_MOST_UNSURE = 0.5  # of the subject's area

_FOUND_BYTES = 8 << 20  # of subjects that were found before: a source has several variations

_found: BoundedCache[tuple[PackedMask, str]] = BoundedCache(_FOUND_BYTES)

Mask = np.ndarray[Any, Any]
Cutout = Literal["built_in", Model]


@dataclass(frozen=True)
class Subject:
    """The subject of an image.

    Attributes:
        mask: its pixels.
        fault: why it should not be used, in words; "" if it passes.

    Shape:
        mask: (height, width) of bool.
    """

    mask: Mask
    fault: str = ""


def find_subject(image: Image.Image, cutout: Cutout = "built_in") -> Subject:
    """Find the one object that a photograph shows.

    Args:
        image: RGB, of any size.
        cutout: how: "built_in", or a network of the extra `augmentai[cutout]`.

    Returns:
        A mask in the image's own pixels and, if it is no good, the reason.

    Raises:
        OperationError: the network cannot be had.

    Example:
        >>> found = find_subject(Image.new("RGB", (64, 48), "gray"))
        >>> found.fault
        'nothing stands out from the surroundings'
    """
    key = hashlib.sha256(f"{cutout} {image.mode} {image.size} ".encode() + image.tobytes()).digest()
    found, fault = _found.get(key, lambda: _packed_subject(image, cutout))
    return Subject(unpacked(found), fault)


def _packed_subject(image: Image.Image, cutout: Cutout) -> tuple[PackedMask, str]:
    subject = _built_in(image) if cutout == "built_in" else _salient(image, cutout)
    return packed(subject.mask), subject.fault


def _salient(image: Image.Image, model: Model) -> Subject:
    levels = salient_levels(image, model)
    mask = levels > 127
    if (fault := _fault_in_shape(mask, _SALIENT_AREA, _MOST_SALIENT_BORDER)) == "":
        unsure = (levels > _UNSURE[0]) & (levels < _UNSURE[1])
        fault = "the outline of the subject is uncertain" if unsure.sum() > _MOST_UNSURE * mask.sum() else ""
    return Subject(mask, fault)


def _built_in(image: Image.Image) -> Subject:
    small = np.asarray(image.convert("RGB").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX, reducing_gap=3.0))
    cells = _unlike_border(small)
    if cells is None or small.std((0, 1)).max() < _LEAST_CONTRAST:
        return Subject(np.zeros(image.size[::-1], bool), "nothing stands out from the surroundings")
    # Between the middles of cells it is interpolated, since the corners of cells would be seen in the outline.
    likely = np.asarray(Image.fromarray(cells).resize((_OUTLINE_PX, _OUTLINE_PX), Image.Resampling.BICUBIC)) > 0
    outline = _grab_cut(np.asarray(Image.fromarray(small).resize((_OUTLINE_PX, _OUTLINE_PX))), likely)
    fault = _fault(outline, likely)
    return Subject(smooth_outline(outline, image), fault)


def smooth_outline(mask: Mask, image: Image.Image) -> Mask:
    """A coarse mask at the size of its image, whose outline follows the edges of the image and has no stairs.

    Levels between subject and ground are those that the colours around each pixel explain best (guided filter; He, Sun
    and Tang 2013).

    Args:
        mask: of the whole image, at any size.
        image: RGB.

    Shape:
        mask: bool (h, w); output: bool (height, width) of the image.

    Example:
        >>> photo = Image.new("RGB", (80, 80), "navy")
        >>> photo.paste("white", (22, 22, 58, 58))
        >>> coarse = np.zeros((10, 10), bool)
        >>> coarse[3:7, 3:7] = True  # 24 to 56 pixels
        >>> 33 < int(smooth_outline(coarse, photo)[40].sum()) < 37
        True
    """
    import cv2

    size = small_size(image.size, _REFINED_PX)
    guide = np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255
    levels = np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    reach = max(2, round(_REFINED * max(size)))

    def mean(values: Mask) -> Mask:
        return np.asarray(cv2.blur(values, (2 * reach + 1,) * 2))

    own, other = mean(guide), mean(levels)
    centred = [guide[..., channel] for channel in range(3)]
    together = np.stack([mean(one * levels) for one in centred], -1) - own * other[..., None]
    spread = np.empty((*levels.shape, 3, 3), np.float32)
    for row in range(3):
        for column in range(row + 1):
            spread[..., row, column] = mean(centred[row] * centred[column]) - own[..., row] * own[..., column]
            spread[..., column, row] = spread[..., row, column]
    spread += _UNSEEN * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(spread, together[..., None])[..., 0]
    start = other - (slope * own).sum(-1)
    refined = (mean(slope) * guide).sum(-1) + mean(start)
    rounded = cv2.GaussianBlur((refined > 0.5).astype(np.float32), (0, 0), max(0.8, reach / 6))
    return np.asarray(Image.fromarray(rounded).resize(image.size, Image.Resampling.BICUBIC)) > 0.5


def _unlike_border(image: Mask) -> Mask | None:
    """How much more than the threshold each cell differs from those at the border; None if all look alike.

    Shape:
        image: (S, S, 3); output: float32 (S/16, S/16).
    """
    from augmentai.backbone import load_backbone

    cells = load_backbone().cells(image[None])[0].astype(np.float32)  # (20, 20, C)
    spread = cells.std((0, 1))
    cells = (cells - cells.mean((0, 1))) / (spread + spread.mean() * 0.05 + 1e-6)
    edge = np.ones((_CELLS, _CELLS), bool)
    edge[1:-1, 1:-1] = False
    border = cells[edge]  # (76, C)
    flat = cells.reshape(-1, cells.shape[-1])
    squares = (flat**2).sum(1)[:, None] + (border**2).sum(1)[None] - 2 * flat @ border.T
    distance = np.sort(np.sqrt(np.maximum(squares, 0)), 1)
    own = edge.reshape(-1)
    nearest = np.where(own, distance[:, 1 : _NEAREST + 1].mean(1), distance[:, :_NEAREST].mean(1))  # without itself
    if nearest.max() - nearest.min() < 1e-3:
        return None
    return (nearest - _otsu(nearest)).astype(np.float32).reshape(_CELLS, _CELLS)


def _otsu(values: Mask) -> float:
    """The threshold that splits values into the two groups that vary least within themselves."""
    ordered = np.sort(values)
    counts = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)[:-1]
    left, right = sums / counts, (ordered.sum() - sums) / (len(ordered) - counts)
    between = counts * (len(ordered) - counts) * (left - right) ** 2
    at = int(between.argmax())
    return float(ordered[at] + ordered[at + 1]) / 2


def _grab_cut(image: Mask, likely: Mask) -> Mask:
    """The outline in the pixels. (S, S, 3), (S, S) of bool -> (S, S) of bool."""
    import cv2

    marks = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21))  # a square would show in the outline
    marks[cv2.erode(likely.astype(np.uint8), kernel, borderValue=0) == 1] = cv2.GC_FGD
    marks[cv2.dilate(likely.astype(np.uint8), kernel) == 0] = cv2.GC_BGD
    found: Any = grab_cut(image, marks).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    return _without_crumbs(found)


def _without_crumbs(found: Mask) -> Mask:
    """Parts much smaller than the largest are dust, and holes much smaller are gaps."""
    import cv2

    for value in (1, 0):
        count, names, stats, _ = cv2.connectedComponentsWithStats((found == value).astype(np.uint8))
        areas = stats[1:, cv2.CC_STAT_AREA]
        for name in range(1, count):
            if areas[name - 1] < 0.1 * areas.max():
                found[names == name] = 1 - value
    return found.astype(bool)


def _fault(outline: Mask, likely: Mask) -> str:
    if fault := _fault_in_shape(outline, _AREA, _MOST_BORDER):
        return fault
    if (outline & likely).sum() < _LEAST_AGREEMENT * (outline | likely).sum():
        return "the outline of the subject is uncertain"
    return ""


def _fault_in_shape(outline: Mask, shares: tuple[float, float], most_border: float) -> str:
    area = outline.mean()
    if area < shares[0]:
        return "the subject is too small to be sure of"
    if area > shares[1]:
        return "the subject fills the image"
    border = np.concatenate([outline[0], outline[-1], outline[:, 0], outline[:, -1]])
    if border.mean() > most_border:
        return "the subject reaches far along the border of the image"
    return ""
