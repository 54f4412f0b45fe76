"""The subject of an image by a saliency network: the extra `augmentai[cutout]` (rembg, MIT).

A model is downloaded by rembg when it is first used, into its own folder (~/.rembg/models, or $REMBG_HOME), and only if
a recipe asks for it. They run on the CPU, as the built-in mask does.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from PIL import Image

from augmentai.operations.base import OperationError
from augmentai.system.cpu import usable_cores
from augmentai.system.extras import missing

Model = Literal["u2net", "isnet", "birefnet", "custom"]

# As rembg names them. Their licences allow any use (Apache-2.0, Apache-2.0, MIT); those of rembg's default do not.
_REMBG: dict[Model, str] = {"u2net": "u2net", "isnet": "isnet-general-use", "birefnet": "birefnet-general-lite"}
_CUSTOM = "u2net_custom"  # the user's own: an image of 320 x 320 in, its mask first among the outputs

_LOADING = Lock()


def salient_levels(image: Image.Image, model: Model) -> np.ndarray[Any, Any]:
    """How likely each pixel belongs to the subject, by a network.

    Args:
        image: RGB, of any size.
        model: which network.

    Raises:
        OperationError: rembg is not installed, or the model cannot be had or run; the message says what to do.

    Shape:
        output: uint8 (height, width), 0 to 255.
    """
    with _LOADING:
        session = _session(model)
    if isinstance(session, str):
        raise OperationError(session)
    with np.errstate(invalid="ignore"):  # of a mask that is the same everywhere
        try:
            levels = session.predict(image)[0]
        except Exception as error:  # onnxruntime's errors share no class
            raise OperationError(f"cutout={model}: the model failed ({_first_line(error)})") from error
    return np.asarray(levels.convert("L"))


@lru_cache(maxsize=2)
def _session(model: Model) -> Any:
    """A loaded model; or in words why there is none, so that a download is not repeated for every image."""
    if reason := missing("cutout"):
        return f"cutout={model}: {reason}"
    rembg = _imported()
    name = _REMBG.get(model, _CUSTOM)
    kept_in = Path(rembg.sessions.sessions[name].model_dir())
    try:
        options = rembg.session_factory.ort.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        own = {"model_path": str(kept_in / f"{name}.onnx")} if name == _CUSTOM else {}
        return rembg.new_session(name, options, providers=["CPUExecutionProvider"], **own)
    except Exception as error:  # no network, no disk, not a model: whatever rembg and onnxruntime raise
        remedy = "put your own model there" if name == _CUSTOM else "connect once to download it, or copy it there"
        return f"cutout={model}: {kept_in / name}.onnx could not be loaded ({_first_line(error)}); {remedy}"


def _imported() -> Any:
    """rembg, without the minute that numba takes to compile its alpha matting, which is not used here."""
    import numba

    before = numba.config.DISABLE_JIT
    numba.config.DISABLE_JIT = True
    try:
        import rembg
        import rembg.session_factory
        import rembg.sessions
    finally:
        numba.config.DISABLE_JIT = before
    return rembg


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
