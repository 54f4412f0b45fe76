"""The compiled loops of `resample`: each sum is the one that `resample` computes in NumPy, to the last bit."""

from __future__ import annotations

import numpy as np

from augmentai.operations.resample_loops import Colours, Doubles, FineColours, Floats, Nearest
from augmentai.system.llvm import Array, Compiled, compiled_once, expect

_LARGEST = 1 << 30  # places further away than this are left to NumPy


class Kernel:
    """The compiled loops, which run without Python's lock."""

    def __init__(self) -> None:
        self._compiled = Compiled(Colours, FineColours, Floats, Doubles, Nearest)

    def colours(self, words: Array, back: Array, out: Array) -> None:
        """Bicubic interpolation of four 8-bit channels side by side, rounded.

        Args:
            words: the source.
            back: from places in the output to places in the source, both counted from the middle of the first pixel.
            out: the output.

        Shape:
            words, out: uint32 (H, W); back: float64 (3, 3)
        """
        height, width = words.shape
        expect(np.uint32, words, out)
        expect(np.float64, back)
        self._compiled.call("colours", (words, out, back), 0, height, height, width)

    def plane(self, source: Array, back: Array, top: int, out: Array) -> None:
        """Bicubic interpolation of some rows of one channel, neither rounded nor clipped.

        Args:
            source: all of it.
            back: as above.
            top: the first row of the output that is computed.
            out: rows from there on.

        Shape:
            source: float32 or float64 (H, W); back: float64 (3, 3); out: (r, W) of the same dtype.
        """
        height, width = source.shape
        expect(np.float32 if source.dtype == np.float32 else np.float64, source, out)
        expect(np.float64, back)
        name = "floats" if source.dtype == np.float32 else "doubles"
        self._compiled.call(name, (source, out, back), top, top + len(out), height, width)

    def fine_colours(self, source: Array, back: Array, top: int, out: Array) -> None:
        """`plane` for three channels of 16 bits side by side.

        Shape:
            source: uint16 (H, W, 3); back: float64 (3, 3); out: float32 (r, W, 3)
        """
        height, width, _ = source.shape
        expect(np.uint16, source)
        expect(np.float32, out)
        expect(np.float64, back)
        self._compiled.call("fine_colours", (source, out, back), top, top + len(out), height, width)

    def nearest(self, back: Array, size_hw: tuple[int, int], top: int, out: Array) -> None:
        """The numbers of the nearest pixels, for some rows of the output.

        Shape:
            back: float64 (3, 3); out: int64 (r, W)
        """
        expect(np.int64, out)
        expect(np.float64, back)
        self._compiled.call("nearest", (out, back), top, top + len(out), *size_hw)


compiled_kernel = compiled_once(Kernel)
"""The kernel, compiled when first asked for; None where llvmlite is missing or cannot compile."""


def is_regular(back: Array, size_hw: tuple[int, int]) -> bool:
    """Whether all places of a homography are numbers that fit, as those of every built-in operation do.

    Example:
        >>> is_regular(np.eye(3), (4, 4)), is_regular(np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, -2]]), (4, 4))
        (True, False)
    """
    height, width = size_hw
    if not np.isfinite(back).all():
        return False
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64)
    ahead = corners @ back.T
    scale = ahead[:, 2]
    if not ((scale > 0).all() or (scale < 0).all()):
        return False
    # Straight lines stay straight, so that nothing within the corners lies further away than they do.
    return bool((np.abs(ahead[:, :2]) < _LARGEST * np.abs(scale)[:, None]).all())
