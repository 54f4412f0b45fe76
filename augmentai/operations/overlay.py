"""Light between a scene and its camera: veils, added light and darkening, on values of 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from augmentai.operations.pixels import PART, Values
from augmentai.operations.textures import Plane

_LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)  # of red, green and blue (ITU-R BT.709)
_SEEN = 64  # points of each side of which a scene's light is taken


def veiled(values: Values, opacity: Plane, colour: Sequence[float], gain: float = 1.0) -> Values:
    """Values behind a veil, in place.

    Args:
        values: of an image.
        opacity: of the veil, 0 to 1.
        colour: of the veil: red, green and blue; a grey image takes the green.
        gain: what the values are multiplied by first.

    Shape:
        values: (height, width, channels), as is the result; opacity: (height, width).

    Example:
        >>> veiled(np.zeros((1, 2, 1), np.float32), np.array([[0, 0.5]], np.float32), (1, 0.5, 1)).tolist()
        [[[0.0], [0.25]]]
    """
    row = _in_a_row(colour, values)
    for some, rows in in_strips(values):
        if gain != 1:
            some *= np.float32(gain)
        step = row - some
        step *= for_channels(opacity[rows], values.shape[2])
        some += step
    return values


def dimmed(values: Values, opacity: Plane, factors: Sequence[float]) -> Values:
    """Values multiplied by a factor where a plane is 1, and left as they are where it is 0, in place.

    Args:
        values: of an image.
        opacity: 0 to 1.
        factors: for red, green and blue, of which a grey image takes that of green; or one for each channel.

    Shape:
        values: (height, width, channels), as is the result; opacity: (height, width).

    Example:
        >>> dimmed(np.ones((1, 2, 1), np.float32), np.array([[0, 0.5]], np.float32), (1, 0.5, 1)).tolist()
        [[[1.0], [0.75]]]
    """
    row = _in_a_row([factor - 1 for factor in factors], values)
    for some, rows in in_strips(values):
        factor = for_channels(opacity[rows], values.shape[2]) * row
        factor += 1
        some *= factor
    return values


def lit(values: Values, light: Values) -> Values:
    """Values with light in front of them, in place: black shows all of it, white cannot become whiter.

    Args:
        values: of an image.
        light: 0 to 1, in as many channels.

    Shape:
        values, light: (height, width, channels), as is the result.

    Example:
        >>> lit(np.full((1, 1, 1), 0.5, np.float32), np.full((1, 1, 1), 0.5, np.float32)).tolist()
        [[[0.75]]]
    """
    for some, rows in in_strips(values):
        step = 1 - some
        step *= light[rows].reshape(step.shape)
        some += step
    return values


def scene_light(values: Values) -> float:
    """How bright the light of a scene is, 0 to 1: what mist and drops in it shine with."""
    height, width = values.shape[:2]
    some = values[:: max(1, height // _SEEN), :: max(1, width // _SEEN)]
    grey = some @ _LUMA if values.shape[2] == 3 else some
    return float(np.percentile(grey, 95))


def in_strips(values: Values) -> Iterator[tuple[Values, slice]]:
    """Parts of some rows each, small enough for a processor's cache, with the channels side by side.

    Shape:
        values: (height, width, channels), contiguous; each part: (rows, width * channels), and the rows that it is of.
    """
    height, width, channels = values.shape
    flat = values.reshape(height, width * channels)
    count = max(1, PART // (width * channels))
    for top in range(0, height, count):
        yield flat[top : top + count], slice(top, top + count)


def for_channels(plane: Plane, channels: int) -> Plane:
    """A plane as often as there are channels, side by side as `in_strips` has them."""
    import cv2

    if channels == 1:
        return plane
    return np.asarray(cv2.merge([plane] * channels)).reshape(len(plane), -1)


def _in_a_row(colour: Sequence[float], values: Values) -> Plane:
    """A colour for each value of a row."""
    own = [colour[1]] if values.shape[2] == 1 and len(colour) > 1 else colour
    return np.tile(np.asarray(own, np.float32), values.shape[1])
