"""The network by ONNX Runtime, with the weights of the same file that training writes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.gan.layout import ARCHITECTURE, KNOTS, LUMA_QUANTILES, STYLE_DIM
from augmentai.gan.runtime.arrays import Array, luma, quantiles

if TYPE_CHECKING:
    import onnxruntime

_GRAPHS = Path(__file__).resolve().parent


class WeightsError(ValueError):
    """The weights file is missing, corrupt, or of another architecture."""


@dataclass(frozen=True)
class Network:
    """The network and its style bank, ready to use from several threads at once.

    Every image runs alone and on the caller's thread, so that its result depends neither on others nor on the number
    of cores.

    Attributes:
        bank: The style bank.
        metadata: How the weights were made: steps, data, plan.
        cache_key: Differs between any two files.

    Shape:
        bank: float32 (N, 64)

    Example:
        >>> from augmentai.settings import DEFAULT_WEIGHTS
        >>> network = load(DEFAULT_WEIGHTS)
        >>> content, style = network.encode(np.zeros((1, 3, 96, 160), np.float32))
        >>> content.shape, style.shape, network.paint(network.start(content), style).shape
        ((1, 48, 6, 10), (1, 64), (1, 28, 6, 10))
    """

    bank: Array
    metadata: dict[str, str]
    cache_key: str
    sessions: dict[str, onnxruntime.InferenceSession]

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Split an image into content and style.

        Shape:
            x: float32 (1, 3, h, w) in 0..1, h and w multiples of 16; output: (1, 48, h/16, w/16), (1, 64).
        """
        content, style = self.run("encoder", {"image": x, "quantiles": quantiles(luma(x[0]), LUMA_QUANTILES)[None]})
        return content, style

    def start(self, content: Array) -> Started:
        """Begin to paint a content code, (1, 48, gh, gw): what is the same for every style."""
        return Started(*self.run("start", {"content": content}))

    def paint(self, started: Started, style: Array) -> Array:
        """Predict colour transforms in a style, (1, 64): coefficients (1, 28, gh, gw)."""
        (painted,) = self.run("painter", {**started.feeds, "style": style})
        return painted

    def run(self, graph: str, feeds: dict[str, Any]) -> list[Array]:
        """All outputs of one of the graphs that `gan.onnx_graph` builds. Other threads go on meanwhile."""
        outputs: list[Array] = self.sessions[graph].run(None, feeds)
        return outputs


@dataclass(frozen=True)
class Started:
    """What the painter makes of a content code before it meets a style.

    Shape:
        start, first: float32 (1, 96, gh, gw)
    """

    start: Array
    first: Array

    @property
    def feeds(self) -> dict[str, Array]:
        """By the names of the graphs' inputs."""
        return {"start": self.start, "first": self.first}


def smoothed_change(painted_own: Array, painted_new: Array) -> Array:
    """Compute the change between two outputs of the painter, smoothed over the grid; see `gan.network`.

    Shape:
        painted_own, painted_new: (1, 28, gh, gw); output: (28, gh, gw)
    """
    change = np.pad(painted_new[0] - painted_own[0], ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = change[:, :-2] + change[:, 1:-1] + change[:, 2:]
    smooth = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) * np.float32(1 / 9)
    tone = smooth[9:-1].reshape(3, KNOTS, *smooth.shape[1:])  # a view
    tone[:, :2] = tone[:, :2].mean((2, 3), keepdims=True)
    return smooth


def rounded(change: Array) -> Array:
    """A change in steps of 1/4096: the last bits of a sum, which depend on the processor, then seldom reach a pixel."""
    return np.asarray(np.rint(change * np.float32(4096)) * np.float32(1 / 4096))


_loading = threading.Lock()


def load(path: Path) -> Network:
    """Read a weights file, or return the network that was read from it before.

    Args:
        path: A file that `augmentai.gan.weights_file.save` wrote.

    Raises:
        WeightsError: The file cannot be used; the message names it and says what was expected.
    """
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    with _loading:
        return _load(path, changed_ns)


@lru_cache(maxsize=2)
def _load(path: Path, changed_ns: int) -> Network:
    arrays, metadata = _read(path)
    bank = arrays.pop("bank", np.empty((0, STYLE_DIM), np.float32))
    weights = {name.removeprefix("generator."): array for name, array in arrays.items()}
    try:
        sessions = {path.stem: _session(path, weights) for path in sorted(_GRAPHS.glob("*.onnx"))}
    except Exception as error:  # ONNX Runtime's own exceptions have no common base
        raise WeightsError(f"{path}: its tensors do not match {ARCHITECTURE} ({error})") from error
    return Network(bank, metadata, f"{path}:{changed_ns}", sessions)


def _read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "none stated")
        raise WeightsError(f"{path}: architecture {found}, expected {ARCHITECTURE}; retrain with this version")
    return arrays, metadata


def _session(graph: Path, weights: dict[str, Array]) -> Any:
    import onnxruntime

    data = graph.read_bytes()
    own = {name: array for name, array in weights.items() if name.encode() in data}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # images run at the same time, each on one thread
    options.log_severity_level = 4
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in own.values()]
    options.add_external_initializers(list(own), values)
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
