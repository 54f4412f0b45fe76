"""The graph that ships is the one that this code builds, with weights of the shapes that ship."""

from __future__ import annotations

from safetensors.numpy import load_file

from augmentai.backbone.load import WEIGHTS
from augmentai.backbone.network import EfficientNetLite0
from augmentai.backbone.onnx_graph import build


def test_the_bundled_graph_is_this_one() -> None:
    import onnx

    shapes = {name: array.shape for name, array in load_file(WEIGHTS).items()}
    assert shapes == {name: tuple(tensor.shape) for name, tensor in EfficientNetLite0().state_dict().items()}
    bundled = onnx.load(WEIGHTS.with_suffix(".onnx"), load_external_data=False)
    ours = build(shapes)
    assert {node.SerializeToString() for node in bundled.graph.node} == {
        node.SerializeToString() for node in ours.graph.node
    }
