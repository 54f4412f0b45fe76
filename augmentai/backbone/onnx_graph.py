"""The network as an ONNX graph, built once, when the weights are converted. Needs the `onnx` package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from augmentai.backbone import layout

WEIGHTS_FILE = "backbone.safetensors"
_OPSET, _IR = 17, 9  # of 2022: any ONNX Runtime of today reads them


def build(shapes: Mapping[str, tuple[int, ...]]) -> ModelProto:
    """Build the graph: images uint8 (N, S, S, 3) -> features (N, 1280) and cells (N, S/16, S/16, 472).

    It holds no weights: those are handed to the session that loads it, from the safetensors file.

    Args:
        shapes: Of the weights, by their names in `EfficientNetLite0`.

    Returns:
        The model; S is a multiple of 32.
    """
    nodes = _Nodes()
    x = nodes.add("Cast", ["images"], "as_float", to=TensorProto.FLOAT)
    x = nodes.add("Transpose", [x], "planes", perm=[0, 3, 1, 2])  # (N, 3, S, S)
    x = nodes.add("Div", [nodes.add("Sub", [x, "mean"], "centred"), "scale"], "scaled")
    x = nodes.conv("stem", x, kernel=3, stride=2)  # (N, 32, S/2, S/2)
    maps = []
    for number, block in enumerate(layout.blocks()):
        x = _mbconv(nodes, f"blocks.{number}", x, block)
        maps.append(x)
    x = nodes.conv("head", x)  # (N, 1280, S/32, S/32)
    nodes.add("Flatten", [nodes.add("GlobalAveragePool", [x], "pooled")], "features")
    _cells(nodes, *(maps[number] for number in layout.CELL_STAGES))
    inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "S", "S", 3])]
    cells = ["N", "S/16", "S/16", layout.CELL_WIDTH]
    outputs = [
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", layout.HEAD]),
        helper.make_tensor_value_info("cells", TensorProto.FLOAT, cells),
    ]
    values = [*_constants(), *(_external(name, shape) for name, shape in shapes.items())]
    graph = helper.make_graph(nodes.made, layout.NAME, inputs, outputs, values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


class _Nodes:
    """The nodes in order; each method returns the name of its output."""

    def __init__(self) -> None:
        self.made: list[NodeProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.made.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, name: str, x: str, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True) -> str:
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        size = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [before, before, after, after]}
        out = self.add("Conv", [x, f"{name}.weight", f"{name}.bias"], f"{name}.out", group=groups, **size)
        return self.add("Clip", [out, "zero", "six"], f"{name}.relu6") if active else out


def _mbconv(nodes: _Nodes, name: str, x: str, block: layout.Block) -> str:
    h = nodes.conv(f"{name}.expand", x) if block.expansion > 1 else x
    wide = block.inputs * block.expansion
    h = nodes.conv(f"{name}.depthwise", h, block.kernel, block.stride, groups=wide)
    h = nodes.conv(f"{name}.project", h, active=False)
    residual = block.stride == 1 and block.inputs == block.outputs
    return nodes.add("Add", [x, h], f"{name}.sum") if residual else h


def _cells(nodes: _Nodes, fine: str, middle: str, coarse: str) -> None:
    """Bring the maps of strides 8, 16 and 32 to stride 16, side by side, channels last."""
    fine = nodes.add("AveragePool", [fine], "cells.fine", kernel_shape=[2, 2], strides=[2, 2])
    nearest = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    coarse = nodes.add("Resize", [coarse, "", "twice"], "cells.coarse", **nearest)
    planes = nodes.add("Concat", [fine, middle, coarse], "cells.planes", axis=1)
    nodes.add("Transpose", [planes], "cells", perm=[0, 2, 3, 1])


def _constants() -> list[TensorProto]:
    scalars = {"zero": 0.0, "six": 6.0, "mean": layout.MEAN, "scale": layout.SCALE}
    made = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in scalars.items()]
    return [*made, helper.make_tensor("twice", TensorProto.FLOAT, [4], np.array([1, 1, 2, 2], np.float32))]


def _external(name: str, shape: tuple[int, ...]) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    location = tensor.external_data.add()
    location.key, location.value = "location", WEIGHTS_FILE
    return tensor
