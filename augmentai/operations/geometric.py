"""What the operations that move pixels have in common: a homography that is drawn, recorded and applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from augmentai.operations.apply_warp import apply_warp
from augmentai.operations.base import GEOMETRY, DrawSettings, Operation
from augmentai.operations.homography import Homography, Matrix, Placement, fitted
from augmentai.operations.label_constraints import LabelConstraints, label_constraints
from augmentai.operations.warp import Warp

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels

MAX_REFLECTION = 0.2  # of each side: how far beyond the border the frame may reach if no object is labelled
MAX_EXTRA_ZOOM = 1.6  # to hide the border; what would need more is rotated and tilted less instead


@dataclass(frozen=True)
class GeometricOperation(Operation):
    """An operation that moves pixels by one homography. A subclass chooses it, by `place` or, if nothing may be zoomed
    to hide the border, by `homography`; labels follow automatically.

    Drawn are the numbers of `Homography.as_record` and `least_visible`. Those that follow each other are multiplied, so
    that pixels are resampled once.
    """

    group = GEOMETRY

    def place(self, rng: Random, limits: LabelConstraints) -> Placement | None:
        """Draw where one image goes.

        Args:
            rng: this variation's own random numbers.
            limits: what its labels ask for.

        Returns:
            The placement, which is then zoomed further if too much of the border would show; None to leave the image
            as it is.
        """
        return None

    def homography(self, rng: Random, size_wh: tuple[int, int], limits: LabelConstraints) -> Homography | None:
        """Draw how one image moves: by default as `place` says, within what the border allows.

        Args:
            rng: this variation's own random numbers.
            size_wh: width and height of the image in pixels.
            limits: what its labels ask for.

        Returns:
            The homography; None to leave the image as it is.
        """
        placement = self.place(rng, limits)
        if placement is None:
            return None
        return fitted(placement, size_wh, 0.0 if limits.hide_border else MAX_REFLECTION, MAX_EXTRA_ZOOM)

    def all_moves(self, size_wh: tuple[int, int], limits: LabelConstraints) -> list[Matrix] | None:
        """Every move that it may draw for an image of this size, if these can be counted; else None.

        Args:
            size_wh: width and height of the image in pixels.
            limits: what its labels ask for.
        """
        return None

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        homography = self.homography(rng, size_wh, label_constraints(labels))
        if homography is None or Warp(self.name, size_wh, homography).is_identity:
            return None
        return {**homography.as_record(), "least_visible": settings.least_visible}

    def apply(self, image: Image, labels: Labels | None, drawn: Mapping[str, Any]) -> tuple[Image, Labels | None]:
        warp = Warp(self.name, image.size, Homography.from_record(drawn))
        return apply_warp(warp, image, labels, drawn["least_visible"])
