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
    MATRIX_RANGE,
    PAINTER_BLOCKS,
    PAINTER_WIDTH,
    STYLE_DIM,
    STYLE_HIDDEN,
    TONE_RANGE,
)

ENCODER, PAINTER = "encoder.onnx", "painter.onnx"
_OPSET, _IR = 18, 9  # of 2022: any ONNX Runtime of today reads them


def build_encoder() -> ModelProto:
    """Build the encoder: image (1, 3, h, w) in 0..1, quantiles (1, 5) of its luma -> content, style."""
    nodes = _Nodes()
    statistics = [*nodes.statistics("image"), "quantiles"]
    x = nodes.add("Sub", nodes.add("Mul", "image", nodes.number(2.0)), nodes.number(1.0))
    for number, (inputs, outputs) in enumerate(pairwise(ENCODER_WIDTHS)):
        x = nodes.silu(nodes.conv(f"encoder.stages.{number}", x, inputs, outputs, stride=2))
        statistics += nodes.statistics(x)
    wide = ENCODER_WIDTHS[-1]
    x = nodes.add("Add", x, nodes.silu(nodes.conv("encoder.mix", x, wide, wide)))
    x = nodes.conv("encoder.to_content", x, wide, CONTENT_DIM, kernel=1)
    unit = nodes.array(np.ones(CONTENT_DIM)), nodes.array(np.zeros(CONTENT_DIM))
    nodes.add("InstanceNormalization", x, *unit, to="content", epsilon=1e-3)
    found = nodes.add("Concat", *statistics, axis=1)
    count = 2 * sum(ENCODER_WIDTHS) + 5
    h = nodes.silu(nodes.linear("encoder.to_style.0", found, count, STYLE_HIDDEN))
    w = nodes.linear("encoder.to_style.2", h, STYLE_HIDDEN, STYLE_DIM)
    power = nodes.add("ReduceMean", nodes.add("Mul", w, w), nodes.array([-1], np.int64), keepdims=1)
    nodes.add("Div", w, nodes.add("Sqrt", nodes.add("Add", power, nodes.number(1e-8))), to="style")
    return nodes.model(
        "augmentai-gan-encoder",
        {"image": [1, 3, "h", "w"], "quantiles": [1, 5]},
        {"content": [1, CONTENT_DIM, "gh", "gw"], "style": [1, STYLE_DIM]},
    )


def build_painter() -> ModelProto:
    """Build the painter: content (1, 48, gh, gw), style (1, 64) -> coefficients (1, 28, gh, gw)."""
    nodes = _Nodes()
    width = PAINTER_WIDTH
    h = nodes.silu(nodes.conv("painter.enter", "content", CONTENT_DIM, width))
    mean = nodes.add("ReduceMean", h, nodes.array([2, 3], np.int64), keepdims=0)
    h = nodes.add("Add", h, nodes.as_planes(nodes.linear("painter.whole", mean, width, width), width))
    for number in range(PAINTER_BLOCKS):
        name = f"painter.blocks.{number}"
        film = nodes.linear(f"{name}.film", "style", STYLE_DIM, 2 * width)
        scale, shift = nodes.split(nodes.as_planes(film, 2 * width), [width, width])
        first = nodes.conv(f"{name}.first", nodes.silu(h), width, width)
        modulated = nodes.add("Add", nodes.add("Mul", first, nodes.add("Add", scale, nodes.number(1.0))), shift)
        h = nodes.add("Add", h, nodes.conv(f"{name}.second", nodes.silu(modulated), width, width))
    out = nodes.conv("painter.leave", nodes.silu(h), width, COEFFICIENTS, kernel=1)
    tone = [BLACK_RANGE] + [TONE_RANGE] * (KNOTS - 1)
    ranges = nodes.array(np.array([MATRIX_RANGE] * 9 + tone * 3 + [DETAIL_RANGE]).reshape(1, -1, 1, 1))
    nodes.add("Mul", nodes.add("Tanh", out), ranges, to="coefficients")
    return nodes.model(
        "augmentai-gan-painter",
        {"content": [1, CONTENT_DIM, "gh", "gw"], "style": [1, STYLE_DIM]},
        {"coefficients": [1, COEFFICIENTS, "gh", "gw"]},
    )


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

    def conv(self, name: str, x: str, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> str:
        """A convolution; one of 3 x 3 replicates the border."""
        if kernel > 1:
            x = self.add("Pad", x, self.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="edge")
        weights = (
            self.weight(f"{name}.weight", (outputs, inputs, kernel, kernel)),
            self.weight(f"{name}.bias", (outputs,)),
        )
        return self.add("Conv", x, *weights, kernel_shape=[kernel] * 2, strides=[stride] * 2)

    def linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        weights = self.weight(f"{name}.weight", (outputs, inputs)), self.weight(f"{name}.bias", (outputs,))
        return self.add("Gemm", x, *weights, transB=1)

    def silu(self, x: str) -> str:
        return self.add("Mul", x, self.add("Sigmoid", x))

    def as_planes(self, x: str, channels: int) -> str:
        return self.add("Reshape", x, self.array([1, channels, 1, 1], np.int64))

    def split(self, x: str, sizes: list[int]) -> list[str]:
        outputs = [f"split{len(self._made)}.{part}" for part in range(len(sizes))]
        self._made.append(helper.make_node("Split", [x, self.array(sizes, np.int64)], outputs, axis=1))
        return outputs

    def statistics(self, x: str) -> list[str]:
        """Mean and standard deviation per channel: (1, C, H, W) -> two of (1, C)."""
        planes = self.array([2, 3], np.int64)
        mean = self.add("ReduceMean", x, planes, keepdims=1)
        apart = self.add("Sub", x, mean)
        variance = self.add("ReduceMean", self.add("Mul", apart, apart), planes, keepdims=0)
        deviation = self.add("Sqrt", self.add("Add", variance, self.number(1e-6)))
        return [self.add("Flatten", mean), deviation]

    def model(self, name: str, inputs: Mapping[str, list[Any]], outputs: Mapping[str, list[Any]]) -> ModelProto:
        ends = [
            [helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one, shape in values.items()]
            for values in (inputs, outputs)
        ]
        graph = helper.make_graph(self._made, name, *ends, self._values)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def main() -> None:
    folder = Path(__file__).resolve().parent / "runtime"
    for name, model in ((ENCODER, build_encoder()), (PAINTER, build_painter())):
        (folder / name).write_bytes(model.SerializeToString(deterministic=True))
        print(f"{folder / name}: {(folder / name).stat().st_size / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
