"""What EfficientNet-Lite0 consists of, as numbers: read by the network in torch and by the ONNX graph alike."""

from __future__ import annotations

from dataclasses import dataclass

NAME = "efficientnet-lite0"
VERSION = 1  # of the weights and of what is computed from them; cached features of another version are not used
SIDE_PX = 160  # of the square that whole images are squeezed to
STEP_PX = 32  # sides are multiples of it: five times the size is halved
CELL_PX = 16  # a cell of the dense features covers 16 x 16 pixels

MEAN, SCALE = 127.0, 128.0  # the network was trained on (pixel - 127) / 128
STEM, HEAD = 32, 1280  # channels

# repeats, kernel, stride, expansion, channels
_STAGES = (
    (1, 3, 1, 1, 16),  # S/2
    (2, 3, 2, 6, 24),  # S/4
    (2, 5, 2, 6, 40),  # S/8
    (3, 3, 2, 6, 80),  # S/16
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),  # S/32
    (1, 3, 1, 6, 320),
)
CELL_STAGES = (4, 10, 15)  # the last blocks of strides 8, 16 and 32
CELL_WIDTH = 40 + 112 + 320


@dataclass(frozen=True)
class Block:
    """One MBConv block: channels in and out, kernel size, stride, and how often it widens its input."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    expansion: int


def blocks() -> tuple[Block, ...]:
    """The sixteen blocks in order.

    Example:
        >>> len(blocks()), blocks()[1]
        (16, Block(inputs=16, outputs=24, kernel=3, stride=2, expansion=6))
    """
    found: list[Block] = []
    width = STEM
    for repeats, kernel, stride, expansion, outputs in _STAGES:
        for number in range(repeats):
            found.append(Block(width, outputs, kernel, stride if number == 0 else 1, expansion))
            width = outputs
    return tuple(found)
