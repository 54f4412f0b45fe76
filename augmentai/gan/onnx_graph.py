"""The network as ONNX graphs, without weights: `python -m augmentai.gan.onnx_graph`. Needs the `onnx` package.

They follow `augmentai.gan.network` line by line and are part of the package: the weights are handed to the session that
loads them, from the safetensors file, so that newly trained weights need no new graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from augmentai.gan.layout import (
    BLACK_RANGE,
    COEFFICIENTS,
    CONTENT_DIM,
    DETAIL_RANGE,
    ENCODER_WIDTHS,
    KNOTS,
    LUMA_QUANTILES,
    LUMA_WEIGHTS,
    MATRIX_RANGE,
    PAINTER_BLOCKS,
    PAINTER_WIDTH,
    STYLE_DIM,
    STYLE_HIDDEN,
    TONE_RANGE,
)
from augmentai.gan.runtime.arrays import Array
from augmentai.gan.runtime.hinges import as_hinge_functions

GRAPHS = ("encoder", "start", "painter", "relight", "repaint")  # file names without .onnx
_OPSET, _IR = 18, 9  # of 2022: any ONNX Runtime of today reads them
_Shape = list[Any]  # numbers, and names of what differs from image to image
_IMAGE: _Shape = [1, 3, "h", "w"]
_QUANTILES: _Shape = [1, len(LUMA_QUANTILES)]
_GRID: _Shape = [1, PAINTER_WIDTH, "gh", "gw"]
_STARTED = {"start": _GRID, "first": _GRID}
_CHANGE: _Shape = [1, COEFFICIENTS, "gh", "gw"]


def build(graph: str) -> ModelProto:
    """Build one of `GRAPHS`."""
    builders = {
        "encoder": build_encoder,
        "start": build_start,
        "painter": build_painter,
        "relight": build_relight,
        "repaint": build_repaint,
    }
    return builders[graph]()


def build_encoder() -> ModelProto:
    """Build the encoder: image (1, 3, h, w) in 0..1, quantiles (1, 5) of its luma -> content, style."""
    nodes = _Nodes()
    x = _styled(nodes, to="style")
    wide = ENCODER_WIDTHS[-1]
    x = nodes.add("Add", x, nodes.silu(nodes.conv("encoder.mix", x, wide, wide)))
    x = nodes.conv("encoder.to_content", x, wide, CONTENT_DIM, kernel=1)
    unit = nodes.array(np.ones(CONTENT_DIM)), nodes.array(np.zeros(CONTENT_DIM))
    nodes.add("InstanceNormalization", x, *unit, to="content", epsilon=1e-3)
    outputs: dict[str, _Shape] = {"content": [1, CONTENT_DIM, "gh", "gw"], "style": [1, STYLE_DIM]}
    return nodes.model("encoder", {"image": _IMAGE, "quantiles": _QUANTILES}, outputs)


def build_start() -> ModelProto:
    """Build the part of the painter that is the same for every style: content -> start, and the first convolution."""
    nodes = _Nodes()
    width = PAINTER_WIDTH
    h = nodes.silu(nodes.conv("painter.enter", "content", CONTENT_DIM, width))
    mean = nodes.add("ReduceMean", h, nodes.array([2, 3], np.int64), keepdims=0)
    h = nodes.add("Add", h, nodes.as_planes(nodes.linear("painter.whole", mean, width, width), width), to="start")
    nodes.conv("painter.blocks.0.first", nodes.silu(h), width, width, to="first")
    return nodes.model("start", {"content": [1, CONTENT_DIM, "gh", "gw"]}, _STARTED)


def build_painter() -> ModelProto:
    """Build the rest of the painter: start and first, style (1, 64) -> coefficients (1, 28, gh, gw)."""
    nodes = _Nodes()
    _painted(nodes, "style", to="coefficients")
    return nodes.model("painter", {**_STARTED, "style": [1, STYLE_DIM]}, {"coefficients": _CHANGE})


def build_relight() -> ModelProto:
    """Build what a thumbnail looks like in a donor's style and another light, as `gan.light.random_light` has it.

    Inputs beside the painter's: `painted`, the image painted in its own style; of its thumbnail at half size the
    `parts` (7, 1, h, w) that `hinges.parts_of` gives and the blurred image (3, h, w); the weights of `down` and
    `across`, which enlarge the grid to it; and the light: see `runtime.light.Light`.
    """
    nodes = _Nodes()
    change = _smoothed(nodes, _painted(nodes, "style"))
    lit = nodes.clip(_applied(nodes, change), 0, 1)
    # x ** 2.2 times gains, cut off at white, ** (1 / 2.2): all in logarithms
    logarithm = nodes.add("Add", nodes.add("Log", nodes.clip(lit, 1e-4, 1)), "log_gains")
    lit = nodes.add("Exp", nodes.add("Min", logarithm, nodes.number(0.0)))
    lit = nodes.away_from(nodes.luma(lit), lit, "saturation")
    middle = nodes.add("ReduceMean", lit, keepdims=1)
    lit = nodes.clip(nodes.away_from(middle, lit, "contrast"), 0, 1)
    lit = nodes.add("Add", nodes.add("Mul", lit, "clear"), "haze")
    detail = nodes.add("Mul", nodes.add("Sub", lit, nodes.blur(lit)), "detail")
    nodes.clip(nodes.add("Add", lit, detail), 0, 1, to="lit")
    number: _Shape = []
    inputs = {
        **_STARTED,
        "painted": _CHANGE,
        "style": [1, STYLE_DIM],
        "parts": [3 + KNOTS - 2, 1, "h", "w"],
        "blurred": [3, "h", "w"],
        "down": ["h", "gh"],
        "across": ["gw", "w"],
        "log_gains": [3, 1, 1],
        **dict.fromkeys(("saturation", "contrast", "clear", "haze", "detail"), number),
    }
    return nodes.model("relight", inputs, {"lit": [3, "h", "w"]})


def build_repaint() -> ModelProto:
    """Build the change to the style that another image has: image, quantiles, start, first, painted -> change."""
    nodes = _Nodes()
    _styled(nodes, to="style")
    _smoothed(nodes, _painted(nodes, "style"), to="change")
    inputs = {"image": _IMAGE, "quantiles": _QUANTILES, **_STARTED, "painted": _CHANGE}
    return nodes.model("repaint", inputs, {"change": _CHANGE})


def _styled(nodes: _Nodes, to: str) -> str:
    """Add the encoder up to the style; returns the features that the content is read from."""
    statistics = [*nodes.statistics("image"), "quantiles"]
    x = nodes.add("Sub", nodes.add("Mul", "image", nodes.number(2.0)), nodes.number(1.0))
    for number, (inputs, outputs) in enumerate(pairwise(ENCODER_WIDTHS)):
        x = nodes.silu(nodes.conv(f"encoder.stages.{number}", x, inputs, outputs, stride=2))
        statistics += nodes.statistics(x)
    found = nodes.add("Concat", *statistics, axis=1)
    count = 2 * sum(ENCODER_WIDTHS) + len(LUMA_QUANTILES)
    h = nodes.silu(nodes.linear("encoder.to_style.0", found, count, STYLE_HIDDEN))
    w = nodes.linear("encoder.to_style.2", h, STYLE_HIDDEN, STYLE_DIM)
    power = nodes.add("ReduceMean", nodes.add("Mul", w, w), nodes.array([-1], np.int64), keepdims=1)
    nodes.add("Div", w, nodes.add("Sqrt", nodes.add("Add", power, nodes.number(1e-8))), to=to)
    return x


def _painted(nodes: _Nodes, style: str, to: str = "") -> str:
    """Add the painter from `start` and `first` on."""
    width = PAINTER_WIDTH
    h = "start"
    for number in range(PAINTER_BLOCKS):
        name = f"painter.blocks.{number}"
        film = nodes.linear(f"{name}.film", style, STYLE_DIM, 2 * width)
        scale, shift = nodes.split(nodes.as_planes(film, 2 * width), [width, width])
        first = nodes.conv(f"{name}.first", nodes.silu(h), width, width) if number else "first"
        modulated = nodes.add("Add", nodes.add("Mul", first, nodes.add("Add", scale, nodes.number(1.0))), shift)
        h = nodes.add("Add", h, nodes.conv(f"{name}.second", nodes.silu(modulated), width, width))
    out = nodes.conv("painter.leave", nodes.silu(h), width, COEFFICIENTS, kernel=1)
    tone = [BLACK_RANGE] + [TONE_RANGE] * (KNOTS - 1)
    ranges = nodes.array(np.array([MATRIX_RANGE] * 9 + tone * 3 + [DETAIL_RANGE]).reshape(1, -1, 1, 1))
    return nodes.add("Mul", nodes.add("Tanh", out), ranges, to=to)


def _smoothed(nodes: _Nodes, painted_new: str, to: str = "") -> str:
    """Add `network.smoothed_change` of `painted` and this."""
    change = nodes.pad(nodes.add("Sub", painted_new, "painted"))
    smooth = nodes.add("AveragePool", change, kernel_shape=[3, 3], strides=[1, 1])
    means = nodes.add("ReduceMean", smooth, nodes.array([2, 3], np.int64), keepdims=1)
    dark = np.zeros((1, COEFFICIENTS, 1, 1), bool)
    dark[0, 9:-1].reshape(3, KNOTS)[:, :2] = True
    return nodes.add("Where", nodes.array(dark, bool), means, smooth, to=to)


def _applied(nodes: _Nodes, change: str) -> str:
    """Add `hinges.apply_change` of a change to the thumbnail of which `parts` and `blurred` are given."""
    weights, bias = _as_hinges()
    hinges = nodes.add("Conv", change, nodes.array(weights), nodes.array(bias), kernel_shape=[1, 1])
    planes = nodes.add("MatMul", "down", nodes.add("MatMul", hinges, "across"))  # (1, 25, h, w)
    rows = len(bias) - 4
    planes = nodes.add("Squeeze", planes, nodes.array([0], np.int64))
    by_part, black, gain = nodes.split(planes, [rows, 3, 1], axis=0)
    shape = nodes.add("Shape", "blurred")
    by_part = nodes.add("Reshape", by_part, nodes.add("Concat", nodes.array([rows // 3], np.int64), shape, axis=0))
    total = nodes.add("ReduceSum", nodes.add("Mul", by_part, "parts"), nodes.array([0], np.int64), keepdims=0)
    return nodes.add("Sub", nodes.add("Add", total, black), nodes.add("Mul", gain, "blurred"))


def _as_hinges() -> tuple[Array, Array]:
    """`hinges.as_hinge_functions`, which is linear but for a constant, as a 1 x 1 convolution."""
    units = np.concatenate([np.zeros((COEFFICIENTS, 1)), np.eye(COEFFICIENTS)], 1).astype(np.float32)
    hinges = as_hinge_functions(units[..., None], white=1)[..., 0]  # (25, 1 + 28)
    return (hinges[:, 1:] - hinges[:, :1])[..., None, None], hinges[:, 0]


class _Nodes:
    """The nodes in order, and their constants and weights; each method returns the name of its output."""

    def __init__(self) -> None:
        self._made: list[NodeProto] = []
        self._values: list[TensorProto] = []

    def add(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        output = to or f"{kind.lower()}{len(self._made)}"
        self._made.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def number(self, value: float) -> str:
        return self.array(np.array(value))

    def array(self, values: Any, dtype: Any = np.float32) -> str:
        name, array = f"constant{len(self._values)}", np.asarray(values, dtype)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._values.append(helper.make_tensor(name, kind, array.shape, array.ravel()))
        return name

    def weight(self, name: str, shape: tuple[int, ...]) -> str:
        """A weight from the safetensors file."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        location = tensor.external_data.add()
        location.key, location.value = "location", "weights"
        self._values.append(tensor)
        return name

    def pad(self, x: str, width: int = 1) -> str:
        """Replicate the border of (..., h, w)."""
        return self.add("Pad", x, self.array([0, 0, width, width, 0, 0, width, width], np.int64), mode="edge")

    def conv(self, name: str, x: str, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, to: str = "") -> str:
        """A convolution; one of 3 x 3 replicates the border."""
        if kernel > 1:
            x = self.pad(x)
        weights = (
            self.weight(f"{name}.weight", (outputs, inputs, kernel, kernel)),
            self.weight(f"{name}.bias", (outputs,)),
        )
        return self.add("Conv", x, *weights, to=to, kernel_shape=[kernel] * 2, strides=[stride] * 2)

    def linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        weights = self.weight(f"{name}.weight", (outputs, inputs)), self.weight(f"{name}.bias", (outputs,))
        return self.add("Gemm", x, *weights, transB=1)

    def silu(self, x: str) -> str:
        return self.add("Mul", x, self.add("Sigmoid", x))

    def as_planes(self, x: str, channels: int) -> str:
        return self.add("Reshape", x, self.array([1, channels, 1, 1], np.int64))

    def split(self, x: str, sizes: list[int], axis: int = 1) -> list[str]:
        outputs = [f"split{len(self._made)}.{part}" for part in range(len(sizes))]
        self._made.append(helper.make_node("Split", [x, self.array(sizes, np.int64)], outputs, axis=axis))
        return outputs

    def clip(self, x: str, low: float, high: float, to: str = "") -> str:
        return self.add("Clip", x, self.number(low), self.number(high), to=to)

    def away_from(self, centre: str, x: str, factor: str) -> str:
        """centre + factor * (x - centre)"""
        return self.add("Add", centre, self.add("Mul", self.add("Sub", x, centre), factor))

    def luma(self, x: str) -> str:
        """(3, h, w) -> (1, h, w)"""
        weights = self.array(np.array(LUMA_WEIGHTS).reshape(3, 1, 1))
        return self.add("ReduceSum", self.add("Mul", x, weights), self.array([0], np.int64), keepdims=1)

    def blur(self, x: str) -> str:
        """`arrays.blur`: (3, h, w) -> (3, h, w)"""
        taps = np.array([1, 4, 6, 4, 1]) / 16
        first = self.array([0], np.int64)
        x = self.pad(self.add("Unsqueeze", x, first), 2)
        for shape in ((1, 5), (5, 1)):
            kernel = self.array(np.broadcast_to(taps.reshape(1, 1, *shape), (3, 1, *shape)))
            x = self.add("Conv", x, kernel, kernel_shape=list(shape), group=3)
        return self.add("Squeeze", x, first)

    def statistics(self, x: str) -> list[str]:
        """Mean and standard deviation per channel: (1, C, H, W) -> two of (1, C)."""
        planes = self.array([2, 3], np.int64)
        mean = self.add("ReduceMean", x, planes, keepdims=1)
        apart = self.add("Sub", x, mean)
        variance = self.add("ReduceMean", self.add("Mul", apart, apart), planes, keepdims=0)
        deviation = self.add("Sqrt", self.add("Add", variance, self.number(1e-6)))
        return [self.add("Flatten", mean), deviation]

    def model(self, name: str, inputs: Mapping[str, _Shape], outputs: Mapping[str, _Shape]) -> ModelProto:
        ends = [
            [helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one, shape in values.items()]
            for values in (inputs, outputs)
        ]
        graph = helper.make_graph(self._made, f"augmentai-gan-{name}", *ends, self._values)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def main() -> None:
    folder = Path(__file__).resolve().parent / "runtime"
    for name in GRAPHS:
        path = folder / f"{name}.onnx"
        path.write_bytes(build(name).SerializeToString(deterministic=True))
        print(f"{path}: {path.stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
