"""What the operations that map each value to another have in common: a curve, which for 8 bits is a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from augmentai.operations.pixels import PixelOperation, Values


@dataclass(frozen=True)
class ToneOperation(PixelOperation):
    """An operation that maps each value of a channel to another, wherever it is."""

    @abstractmethod
    def curve(self, values: Values, drawn: Mapping[str, Any], channel: int) -> Values:
        """New values of one channel.

        Args:
            values: 0 to 1.
            drawn: what `draw` returned.
            channel: 0, 1 or 2 for red, green or blue; 1 in a grey image.

        Returns:
            As many; what is beyond 0 to 1 is cut off.
        """

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        channels = values.shape[2]
        made = [self.curve(values[..., n], drawn, n if channels == 3 else 1) for n in range(channels)]
        return np.stack(made, axis=2)

    def _opaque(self, image: Image.Image, drawn: Mapping[str, Any]) -> Image.Image:
        if image.mode not in {"L", "RGB"}:
            return super()._opaque(image, drawn)
        levels = (np.arange(256) / 255).astype(np.float32)
        channels = (0, 1, 2) if image.mode == "RGB" else (1,)
        tables = [np.rint(self.curve(levels, drawn, channel).clip(0, 1) * 255).astype(int) for channel in channels]
        return image.point([level for table in tables for level in table.tolist()])
