"""The presets of the recipe's `geometry`: one homography for each variation, drawn from its seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from augmentai.operations.homography import Homography, Placement, fitted
from augmentai.operations.label_constraints import label_constraints
from augmentai.operations.warp import Warp

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Preset:
    """How far a preset goes. Values are drawn uniformly within these bounds.

    Attributes:
        max_rotation_deg: to either side, in degrees.
        zoom_range: from, to; 1 keeps the scale.
        max_tilt: perspective: how much nearer one side comes at most, as a share of the distance.
        max_reflection: how far beyond the border the frame may reach, as a share of each side; there, the image is
            reflected.
        max_extra_zoom: the most that it zooms in further so as not to reach beyond that.
    """

    max_rotation_deg: float = 0.0
    zoom_range: tuple[float, float] = (1.0, 1.0)
    max_tilt: float = 0.0
    max_reflection: float = 0.0
    max_extra_zoom: float = 1.0


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "none": Preset(),
        "flip": Preset(),
        "light": Preset(max_rotation_deg=8, zoom_range=(1.0, 1.25), max_reflection=0.1, max_extra_zoom=1.3),
        "strong": Preset(
            max_rotation_deg=20, zoom_range=(0.9, 1.6), max_tilt=0.15, max_reflection=0.2, max_extra_zoom=1.6
        ),
    }
)


def warp_for(
    geometry: str, size_wh: tuple[int, int], seed: int, mirror: bool = True, labels: Labels | None = None
) -> Warp:
    """The warp of one variation, drawn from its seed alone; nothing is loaded or computed on pixels yet.

    Args:
        geometry: one of PRESETS.
        size_wh: width and height in pixels.
        seed: the variation's own.
        mirror: left and right may be swapped, which half of the variations then do.
        labels: of the image; see `label_constraints`.

    Raises:
        ValueError: there is no such preset.

    Example:
        >>> warp_for("flip", (640, 480), seed=1).is_mirror
        True
        >>> warp_for("light", (640, 480), seed=1).details["geometry"]["rotation_deg"]
        3.56
    """
    if geometry not in PRESETS:
        raise ValueError(f"geometry is {geometry!r}; expected one of {', '.join(PRESETS)}")
    limits = label_constraints(labels)
    homography = draw_homography(
        geometry, size_wh, seed, mirror and limits.may_mirror, limits.hide_border, limits.rotation
    )
    return Warp(geometry, size_wh, homography)


def draw_homography(
    geometry: str,
    size_wh: tuple[int, int],
    seed: int,
    mirror: bool = True,
    hide_border: bool = False,
    rotation: float = 1.0,
) -> Homography:
    """The homography of the variation with this seed; the same for the same arguments.

    Args:
        geometry: one of PRESETS.
        size_wh: width and height in pixels.
        seed: the variation's own.
        mirror: left and right may be swapped, which half of the variations then do.
        hide_border: zoom in until nothing beyond the border shows, rather than reflect the image there.
        rotation: the share of the rotation and the perspective that is applied, 0 to 1.
    """
    preset = PRESETS[geometry]
    digest = hashlib.sha256(f"{seed}:geometry".encode()).digest()
    stream = random.Random(int.from_bytes(digest[:8], "big"))
    # Every number is drawn each time, so that all presets flip the same variations.
    mirrored = stream.random() < 0.5 and mirror and geometry != "none"
    turn, tilt_x, tilt_y, center_x, center_y = (stream.uniform(-1, 1) for _ in range(5))
    placement = Placement(
        mirrored=mirrored,
        rotation_deg=turn * (preset.max_rotation_deg * rotation),
        zoom=stream.uniform(*preset.zoom_range),
        tilt=(tilt_x * preset.max_tilt * rotation, tilt_y * preset.max_tilt * rotation),
        center=(center_x, center_y),
    )
    return fitted(placement, size_wh, 0.0 if hide_border else preset.max_reflection, preset.max_extra_zoom)
