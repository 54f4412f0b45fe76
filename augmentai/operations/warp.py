"""One warp, carried out on pictures, masks, points and labels alike, so that they stay true to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.operations.homography import (
    BARE_BOX_TURN,
    REACHES,
    Draw,
    Matrix,
    draw,
    frame_in_source,
    transform_points,
)

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_NEAREST_MODES = {"1", "P", "PA"}  # their values are names of colours, or yes and no: there is nothing in between


@dataclass(frozen=True)
class Warp:
    """How one variation is moved. Made by `warp_for`.

    geometry: its name. size_wh: of the source and the variation, in pixels. drawn: the homography and its numbers.
    """

    geometry: str
    size_wh: tuple[int, int]
    drawn: Draw

    @property
    def matrix(self) -> Matrix:
        """(3, 3): takes a point (x, y, 1) of the source, in pixels, to its place in the variation."""
        return self.drawn.matrix

    @cached_property
    def still(self) -> bool:
        """Nothing moves: pictures and labels come back as they are."""
        return np.array_equal(self.matrix, np.eye(3))

    @cached_property
    def only_mirrors(self) -> bool:
        """Left and right are swapped and nothing else happens, which moves pixels without mixing them."""
        return np.array_equal(self.matrix, [[-1, 0, self.size_wh[0]], [0, 1, 0], [0, 0, 1]])

    @property
    def details(self) -> Mapping[str, Any]:
        """For the manifest: {"geometry": {...}}, empty where nothing moves. `matrix` is all that is needed to repeat
        it, by rows, from the source's pixels to the variation's, the first pixel reaching from 0 to 1."""
        if self.still:
            return {}
        numbers = {
            "name": self.geometry,
            "mirrored": self.drawn.mirrored,
            "rotation_deg": round(self.drawn.rotation_deg, 3) + 0.0,
            "zoom": round(self.drawn.zoom, 4),
            "tilt": [round(tilt, 4) + 0.0 for tilt in self.drawn.tilt],
            "matrix": self.matrix.tolist(),
        }
        return {"geometry": numbers}

    def picture(self, picture: Image.Image) -> Image.Image:
        """The picture moved: same size, same mode (1, P, L, LA, RGB, RGBA, I;16, I, F, ...), no metadata.

        Bicubic, in 1 and P nearest neighbour. Beyond the border the picture is reflected. Colours are mixed by their
        opacity, so that what is hidden under clear pixels never shows. Raises ValueError where the size is not that of
        the warp.
        """
        return self._applied(picture, "nearest" if picture.mode in _NEAREST_MODES else "bicubic")

    def mask(self, mask: Image.Image) -> Image.Image:
        """The mask moved by nearest neighbour: no value that it did not hold before. Mode and palette are kept."""
        return self._applied(mask, "nearest")

    def bitmaps(self, bitmaps: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(N, height, width) of bool, moved by nearest neighbour."""
        from augmentai.operations.resample import moved_planes

        if self.still or not len(bitmaps):
            return bitmaps
        if self.only_mirrors:
            return np.ascontiguousarray(bitmaps[:, :, ::-1])
        return moved_planes(bitmaps.astype(np.uint8), self.matrix, "nearest").astype(bool)

    def points(self, points: Any) -> Matrix:
        """(N, 2) points in pixels, moved; they may come to lie outside the picture."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        return array if self.still else transform_points(self.matrix, array)

    @cached_property
    def frame(self) -> Matrix:
        """The corners of the variation as they lie in the source, (4, 2): what is inside is what is seen."""
        return frame_in_source(self.matrix, self.size_wh)

    def labels(self, labels: Labels, least_visible: float = 0.3) -> Labels:
        """The labels moved with the pixels; see `augmentai.operations.move_labels.moved_labels`."""
        from augmentai.operations.move_labels import moved_labels

        return labels if self.still else moved_labels(self, labels, least_visible)

    def _applied(self, picture: Image.Image, mode: str) -> Image.Image:
        if picture.size != self.size_wh:
            found, expected = "x".join(map(str, picture.size)), "x".join(map(str, self.size_wh))
            raise ValueError(f"the picture has {found} pixels, this warp is for {expected}")
        if self.still:
            return picture
        if self.only_mirrors:
            moved = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        else:
            from augmentai.operations.resample import moved_picture

            moved = moved_picture(picture, self.matrix, mode)
        moved.info = {}
        return moved


def warp_from_manifest(geometry: Mapping[str, Any], full_wh: tuple[int, int], size_wh: tuple[int, int]) -> Warp:
    """The warp that a variation's manifest tells of, for a smaller picture of its source: so that the two lie alike.

    geometry: what `Warp.details` holds under that name. full_wh: of the variation; size_wh: of the smaller picture.
    """
    scale = np.diag([size_wh[0] / full_wh[0], size_wh[1] / full_wh[1], 1.0])
    matrix = scale @ np.array(geometry["matrix"], np.float64) @ np.linalg.inv(scale)
    rotation, zoom, (tilt_x, tilt_y) = geometry["rotation_deg"], geometry["zoom"], geometry["tilt"]
    # Rounded, so that what only mirrors is seen to only mirror.
    drawn = Draw(matrix.round(9), geometry["mirrored"], rotation, zoom, (tilt_x, tilt_y))
    return Warp(geometry["name"], size_wh, drawn)


def warp_for(
    geometry: str, size_wh: tuple[int, int], seed: int, mirror: bool = True, labels: Labels | None = None
) -> Warp:
    """The warp of one variation, drawn from its seed alone; nothing is loaded or computed on pixels yet.

    geometry: one of REACHES. size_wh: width and height in pixels. seed: the variation's own. mirror: left and right
    may be swapped. labels: what is labelled in the picture. Where that is boxes, polygons or bitmaps of single things,
    the picture is zoomed until no border shows: a mirrored thing there would be one without a label. Where it is boxes
    alone, it also turns less, since the box around a turned box is larger than the thing in it. Where it is keypoints,
    nothing is mirrored: which is left and which is right would have to be told anew.
    Raises ValueError where there is no such geometry.
    """
    if geometry not in REACHES:
        raise ValueError(f"geometry is {geometry!r}; expected one of {', '.join(REACHES)}")
    shapes = labels.shapes if labels is not None else ()
    bare = any(not shape.polygons and shape.mask is None for shape in shapes)
    mirror = mirror and not any("keypoints" in shape.extra for shape in shapes)
    turn = BARE_BOX_TURN if bare else 1.0
    return Warp(geometry, size_wh, draw(geometry, size_wh, seed, mirror, cover=bool(shapes), turn=turn))
