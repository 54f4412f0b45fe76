"""Bundles: several operations under one name, as data.

A recipe that names a bundle records the operations that it stands for, so that a later version of the bundle changes no
earlier run. Another package adds one by the entry point `augmentai.bundles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Bundle:
    """Operations that are often wanted together.

    Attributes:
        name: as recipes and flags spell it.
        title, blurb: as the page shows it.
        steps: the operations, in order, as a recipe lists them.
    """

    name: str
    title: str
    blurb: str
    steps: tuple[str | dict[str, dict[str, Any]], ...]
    group: ClassVar[str] = "Several at once"


# In the order in which a camera has these faults. Each variation gets about two of them.
CAMERA = Bundle(
    "camera",
    "Camera faults",
    "light, blur, noise and compression",
    (
        {"vignette": {"probability": 0.2}},
        {"exposure": {"probability": 0.5}},
        {"white_balance": {"probability": 0.3}},
        {"motion_blur": {"probability": 0.15}},
        {"defocus_blur": {"probability": 0.15}},
        {"noise": {"probability": 0.3}},
        {"downscale": {"probability": 0.15}},
        {"jpeg": {"probability": 0.3}},
    ),
)
ROBUST = Bundle(
    "robust",
    "Robust",
    "crops and slight turns, now and then a camera fault",
    (
        "crop",
        {"rotate": {"probability": 0.5}},
        {"exposure": {"probability": 0.3}},
        {"white_balance": {"probability": 0.2}},
        {"defocus_blur": {"radius": [0.002, 0.006], "probability": 0.1}},
        {"noise": {"amount": [0.01, 0.03], "probability": 0.2}},
        {"jpeg": {"quality": [40, 80], "probability": 0.2}},
    ),
)
WEATHER = Bundle(
    "weather",
    "Weather",
    "rain, snow, fog, shadows, glare, a dirty lens",
    (
        {"shadow": {"probability": 0.25}},
        {"fog": {"probability": 0.2}},
        {"rain": {"probability": 0.25}},
        {"snow": {"probability": 0.15}},
        {"glare": {"probability": 0.15}},
        {"dirt": {"probability": 0.15}},
    ),
)
# What is measured of it stands in docs/operations.md: modest, since much of it costs more than it gives.
OBJECTS = Bundle(
    "objects",
    "Objects",
    "for detection and segmentation: now and then a pasted object or four images in one, crops",
    (
        "copy_paste",
        {"mosaic": {"probability": 0.15}},
        {"crop": {"probability": 0.5}},
    ),
)

# Read by `augmentai.registry`.
BUILT_IN = {
    "camera": "augmentai.operations.bundles:CAMERA",
    "weather": "augmentai.operations.bundles:WEATHER",
    "robust": "augmentai.operations.bundles:ROBUST",
    "objects": "augmentai.operations.bundles:OBJECTS",
}
