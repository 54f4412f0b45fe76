"""A homography applied to images, masks, bitmaps and points alike, so that they stay aligned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from augmentai.images.deep_colour import Rows, Values
from augmentai.operations.homography import (
    Homography,
    Matrix,
    corners_in_source,
    mirroring,
    quarter_turns,
    transform_points,
)

_NEAREST_MODES = {"1", "P", "PA"}  # palette indices and booleans: there is nothing between two values
# Quarter turns counter-clockwise, alone and after left and right are swapped.
_TRANSPOSITIONS = (
    (None, Image.Transpose.FLIP_LEFT_RIGHT),
    (Image.Transpose.ROTATE_90, Image.Transpose.TRANSPOSE),
    (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM),
    (Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE),
)
# The same for arrays, which are looked at from elsewhere and not copied.
_TRANSPOSED: Mapping[Image.Transpose, Callable[[Values], Values]] = {
    Image.Transpose.FLIP_LEFT_RIGHT: lambda values: values[:, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda values: values[::-1],
    Image.Transpose.ROTATE_90: np.rot90,
    Image.Transpose.ROTATE_180: lambda values: values[::-1, ::-1],
    Image.Transpose.ROTATE_270: lambda values: np.rot90(values, 3),
    Image.Transpose.TRANSPOSE: lambda values: values.swapaxes(0, 1),
    Image.Transpose.TRANSVERSE: lambda values: values[::-1, ::-1].swapaxes(0, 1),
}


@dataclass(frozen=True)
class Warp:
    """How the pixels of one variation move.

    `apply_warp` moves the labels along.

    Attributes:
        name: the preset or operation that it belongs to.
        size_wh: width and height of the source and the variation, in pixels.
        homography: where pixels go, and the numbers behind it.

    Example:
        >>> from augmentai.operations.homography import Placement, fitted
        >>> warp = Warp("flip", (40, 30), fitted(Placement(mirrored=True), (40, 30), 0.0, 1.0))
        >>> warp.points([(1.0, 2.0)]).tolist()
        [[39.0, 2.0]]
    """

    name: str
    size_wh: tuple[int, int]
    homography: Homography

    @property
    def matrix(self) -> Matrix:
        """(3, 3): maps a point (x, y, 1) of the source, in pixels, to the variation."""
        return self.homography.matrix

    @cached_property
    def is_identity(self) -> bool:
        """Nothing moves: images and labels are returned as they are."""
        return np.array_equal(self.matrix, np.eye(3))

    @cached_property
    def is_mirror(self) -> bool:
        """Left and right are swapped and nothing else happens."""
        return self.transposition == Image.Transpose.FLIP_LEFT_RIGHT

    @cached_property
    def transposition(self) -> Image.Transpose | None:
        """The mirroring or quarter turn that it is, which moves pixels without mixing them; None if it is another."""
        width, height = self.size_wh
        mirror = mirroring(self.size_wh)
        for turns, (plain, mirrored) in enumerate(_TRANSPOSITIONS):
            if turns % 2 and width != height:
                continue
            matrix = quarter_turns(turns, self.size_wh)
            if plain is not None and np.array_equal(self.matrix, matrix):
                return plain
            if np.array_equal(self.matrix, matrix @ mirror):
                return mirrored
        return None

    @property
    def details(self) -> Mapping[str, Any]:
        """For the manifest: {"geometry": {"name": ..., "matrix": ..., ...}}; empty if nothing moves."""
        return {} if self.is_identity else {"geometry": {"name": self.name, **self.homography.as_record()}}

    def image(self, image: Image.Image) -> Image.Image:
        """The image, moved.

        Interpolation is bicubic, and nearest neighbour in modes 1 and P. Beyond the border the image is reflected.
        Colours are weighted by their opacity, so that what is hidden under clear pixels never shows.

        Args:
            image: of any mode (1, P, L, LA, RGB, RGBA, I;16, I, F, ...).

        Returns:
            An image of the same size and mode, without metadata.

        Raises:
            ValueError: its size is not that of the warp.
        """
        return self._applied(image, "nearest" if image.mode in _NEAREST_MODES else "bicubic")

    def mask(self, mask: Image.Image) -> Image.Image:
        """The mask moved by nearest neighbour: mode and palette are kept, and no new value appears."""
        return self._applied(mask, "nearest")

    def bitmaps(self, bitmaps: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(N, height, width) of bool, moved by nearest neighbour."""
        from augmentai.operations.resample import warped_planes

        if self.is_identity or not len(bitmaps):
            return bitmaps
        if self.transposition is not None:
            # Pillow writes True as 255, which numpy counts as unlike the True of other bitmaps.
            return np.stack([np.asarray(self.mask(Image.fromarray(bitmap))) != 0 for bitmap in bitmaps])
        return warped_planes(bitmaps.astype(np.uint8), self.matrix, "nearest").astype(bool)

    def colours(self, values: Rows) -> Rows:
        """Colours of 16 bits, (height, width, 3), moved as an image is: each row when it is asked for."""
        if self.is_identity:
            return values
        if self.transposition is not None:
            return _TRANSPOSED[self.transposition](np.asarray(values))
        from augmentai.operations.resample import WarpedColours

        return WarpedColours(np.asarray(values), self.matrix)

    def points(self, points: Any) -> Matrix:
        """(N, 2) points in pixels, moved; they may end up outside the image."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        return array if self.is_identity else transform_points(self.matrix, array)

    @cached_property
    def frame(self) -> Matrix:
        """The corners of the variation in the source's pixels, (4, 2): what is inside them is visible."""
        return corners_in_source(self.matrix, self.size_wh)

    def _applied(self, image: Image.Image, mode: str) -> Image.Image:
        if image.size != self.size_wh:
            found, expected = "x".join(map(str, image.size)), "x".join(map(str, self.size_wh))
            raise ValueError(f"the image has {found} pixels, this warp is for {expected}")
        if self.is_identity:
            return image
        if self.transposition is not None:
            moved = image.transpose(self.transposition)
        else:
            from augmentai.operations.resample import warped_image

            moved = warped_image(image, self.matrix, mode)
        moved.info = {}
        return moved


def warp_from_manifest(geometry: Mapping[str, Any], full_wh: tuple[int, int], size_wh: tuple[int, int]) -> Warp:
    """The warp recorded in a variation's manifest, for a thumbnail of its source, so that the two are aligned.

    Args:
        geometry: what `Warp.details` holds under that name.
        full_wh: width and height of the variation in pixels.
        size_wh: width and height of the thumbnail in pixels.
    """
    scale = np.diag([size_wh[0] / full_wh[0], size_wh[1] / full_wh[1], 1.0])
    recorded = Homography.from_record(geometry)
    # Rounded, so that a bare mirroring is recognized as one.
    matrix = (scale @ recorded.matrix @ np.linalg.inv(scale)).round(9)
    scaled = Homography(matrix, recorded.mirrored, recorded.rotation_deg, recorded.zoom, recorded.tilt)
    return Warp(geometry["name"], size_wh, scaled)
