"""The graphs that ship are those that the code builds, and hold no weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto, checker, load_model

from augmentai.gan import onnx_graph, runtime

FOLDER = Path(runtime.__file__).parent
GRAPHS = {onnx_graph.ENCODER: onnx_graph.build_encoder, onnx_graph.PAINTER: onnx_graph.build_painter}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_that_ships_is_built_by_the_code(name: str) -> None:
    shipped = load_model(FOLDER / name, load_external_data=False)
    built: ModelProto = GRAPHS[name]()
    assert shipped == built
    assert (FOLDER / name).stat().st_size < 10_000


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_valid(name: str) -> None:
    model = load_model(FOLDER / name, load_external_data=False)
    for value in model.graph.initializer:  # the checker would look for the weights on disk
        if value.external_data:
            value.ClearField("external_data")
            value.ClearField("data_location")
            value.float_data.extend([0.0] * _count(value.dims))
    checker.check_model(model, full_check=True)


def _count(dims: list[int]) -> int:
    total = 1
    for dim in dims:
        total *= dim
    return total
