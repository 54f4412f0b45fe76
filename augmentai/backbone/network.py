"""EfficientNet-Lite0 without its classifier, from top to bottom: what ONNX Runtime computes, and what can be trained.

    stem      3x3 convolution, stride 2         (B, 3, S, S)        -> (B, 32, S/2, S/2)
    stages    seven stages of MBConv blocks     (B, 32, S/2, S/2)   -> (B, 320, S/32, S/32)
    head      1x1 convolution                   (B, 320, S/32, S/32) -> (B, 1280, S/32, S/32)
    features  mean over the cells               (B, 1280, S/32, S/32) -> (B, 1280)

An MBConv block (Sandler et al. 2018, MobileNetV2) widens its input by a 1x1 convolution, filters each channel by
itself (depthwise), and narrows it again without an activation; where the size stays, the input is added. The Lite
variants (Liu 2020) of EfficientNet (Tan & Le 2019) drop squeeze-and-excitation and use ReLU6 in place of swish.

Batch norms are folded into the convolutions: training goes on as if they were frozen, which is what small sets need.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augmentai.backbone.layout import CELL_PX, CELL_STAGES, HEAD, MEAN, SCALE, STEM, STEP_PX, blocks


class Conv(nn.Module):
    """Convolution with "same" padding as TensorFlow pads: what is odd goes to the right and to the bottom.

    Shape:
        Input: (B, C_in, H, W), H and W even where the stride is 2. Output: (B, C_out, H/stride, W/stride).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        self.before, self.after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.before == self.after:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.before, groups=self.groups)
        x = F.pad(x, (self.before, self.after, self.before, self.after))
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


class MBConv(nn.Module):
    """Widen, filter each channel, narrow: (B, C_in, H, W) -> (B, C_out, H/stride, W/stride)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Conv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide)
        self.project = Conv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.expand is None else F.relu6(self.expand(x))  # (B, C_in expansion, H, W)
        h = F.relu6(self.depthwise(h))  # (B, C_in expansion, H/stride, W/stride)
        h = self.project(h)  # (B, C_out, H/stride, W/stride)
        return x + h if self.residual else h


class EfficientNetLite0(nn.Module):
    """The network without its classifier; 3.4 M parameters.

    Shape:
        Input: (B, 3, S, S), values 0..255, S a multiple of 32. Output: (B, 1280).

    Example:
        >>> network = EfficientNetLite0().eval()
        >>> with torch.inference_mode():
        ...     network(torch.zeros(2, 3, 64, 64)).shape, network.cells(torch.zeros(2, 3, 64, 64)).shape
        (torch.Size([2, 1280]), torch.Size([2, 472, 4, 4]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, STEM, 3, stride=2)
        self.blocks = nn.ModuleList(
            MBConv(block.inputs, block.outputs, block.kernel, block.stride, block.expansion) for block in blocks()
        )
        self.head = Conv(blocks()[-1].outputs, HEAD, 1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """The outputs of all blocks: (B, 3, S, S) in 0..255 -> (B, C, S/stride, S/stride) each."""
        h = F.relu6(self.stem((x - MEAN) / SCALE))  # (B, 32, S/2, S/2)
        outputs = []
        for block in self.blocks:
            h = block(h)
            outputs.append(h)
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """Features of whole images: (B, 3, S, S) in 0..255 -> (B, 1280)."""
        return F.relu6(self.head(self.maps(x)[-1])).mean((2, 3))

    def cells(self, x: Tensor) -> Tensor:
        """Features of cells of 16 x 16 pixels: (B, 3, S, S) in 0..255 -> (B, 472, S/16, S/16).

        The last maps of strides 8, 16 and 32 side by side: means of 2 x 2, as they are, and each for 2 x 2 cells.
        """
        fine, middle, coarse = (self.maps(x)[number] for number in CELL_STAGES)
        factor = STEP_PX // CELL_PX
        coarse = coarse.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
        return torch.cat([F.avg_pool2d(fine, 2), middle, coarse], 1)


def load_network(weights: Path) -> EfficientNetLite0:
    """Load the network with its weights in float32, in evaluation mode.

    Args:
        weights: A safetensors file that `augmentai.backbone.convert` wrote.
    """
    from safetensors.torch import load_file

    network = EfficientNetLite0()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(weights).items()})
    return network.eval()
