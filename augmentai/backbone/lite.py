"""The bundled backbone: EfficientNet-Lite0 by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from augmentai.backbone import layout
from augmentai.backbone.base import BackboneError, batches
from augmentai.system.cpu import usable_cores

if TYPE_CHECKING:
    import onnxruntime

_BATCH_PIXELS = 8 * layout.SIDE_PX**2  # larger batches are no faster on a CPU


class Lite:
    """EfficientNet-Lite0 as `augmentai.backbone.base.Backbone` describes it.

    Args:
        weights: The safetensors file; the graph is the .onnx file of the same name beside it.

    Raises:
        BackboneError: A file is missing or not what it should be.

    Example:
        >>> from augmentai.backbone.load import WEIGHTS
        >>> backbone = Lite(WEIGHTS)
        >>> backbone.features(np.zeros((2, 160, 160, 3), np.uint8)).shape
        (2, 1280)
        >>> backbone.cells(np.zeros((1, 320, 320, 3), np.uint8)).shape
        (1, 20, 20, 472)
    """

    name, side_px, width = layout.NAME, layout.SIDE_PX, layout.HEAD

    def __init__(self, weights: Path) -> None:
        self._session = _session(weights)

    def features(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.features`; S is a multiple of 32."""
        return self._run("features", images, (layout.HEAD,))

    def cells(self, images: np.ndarray) -> np.ndarray:
        """See `Backbone.cells`: the last maps of strides 8, 16 and 32 side by side, 472 channels."""
        side = images.shape[1] // layout.CELL_PX if images.ndim == 4 else 0
        return self._run("cells", images, (side, side, layout.CELL_WIDTH))

    def _run(self, output: str, images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        from onnxruntime import RunOptions

        options = RunOptions()
        options.only_execute_path_to_fetches = True
        results = np.empty((len(images), *shape), np.float32)
        done = 0
        for batch in batches(images, layout.STEP_PX, _BATCH_PIXELS):
            found = self._session.run([output], {"images": np.ascontiguousarray(batch)}, options)[0]
            results[done : done + len(batch)] = found
            done += len(batch)
        return results


def _session(weights: Path) -> onnxruntime.InferenceSession:
    import onnxruntime
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other threads decode meanwhile
    options.log_severity_level = 3
    try:
        arrays = {name: array.astype(np.float32) for name, array in load_file(weights).items()}
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        options.add_external_initializers(list(arrays), values)
        graph = weights.with_suffix(".onnx").read_bytes()
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BackboneError(f"{weights}: this backbone cannot be loaded ({error}); reinstall AugmentAI") from error
