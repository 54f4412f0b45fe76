"""The graphs that ship are those that the code builds, and hold no weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto, checker, load_model

from augmentai.gan import onnx_graph, runtime

FOLDER = Path(runtime.__file__).parent
SMALL = {"encoder", "start", "painter"}  # the others hold two of these, or simulated light


@pytest.mark.parametrize("name", onnx_graph.GRAPHS)
def test_the_graph_that_ships_is_built_by_the_code(name: str) -> None:
    shipped = load_model(FOLDER / f"{name}.onnx", load_external_data=False)
    built: ModelProto = onnx_graph.build(name)
    assert shipped == built
    assert (FOLDER / f"{name}.onnx").stat().st_size < (10_000 if name in SMALL else 15_000)


def test_no_other_graph_ships() -> None:
    assert {path.stem for path in FOLDER.glob("*.onnx")} == set(onnx_graph.GRAPHS)


@pytest.mark.parametrize("name", onnx_graph.GRAPHS)
def test_the_graph_is_valid(name: str) -> None:
    model = load_model(FOLDER / f"{name}.onnx", load_external_data=False)
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
