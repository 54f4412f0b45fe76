"""A saliency network in one layer, as a file that rembg loads: what is bright is the subject."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

SIDE_PX = 320


def write_brightness_model(folder: Path) -> Path:
    """Write the model to where rembg expects a user's own, below its folder."""
    seen = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])
    mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, SIDE_PX, SIDE_PX])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    mean = helper.make_node("ReduceMean", ["image", "axes"], ["mask"], keepdims=1)
    graph = helper.make_graph([mean], "brightness", [seen], [mask], [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path = folder / "models" / "u2net_custom" / "u2net_custom.onnx"
    path.parent.mkdir(parents=True)
    onnx.save(model, path)
    return path
