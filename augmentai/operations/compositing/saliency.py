"""The subject of an image by a saliency network: the extra `augmentai[cutout]` (rembg, MIT).

A model is downloaded by rembg when it is first used, into its own folder (~/.rembg/models, or $REMBG_HOME), and only if
a recipe asks for it. They run on the CPU, as the built-in mask does.
"""

from __future__ import annotations

import textwrap
import time
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

_LONGEST_FAULT = 120  # characters; what network libraries say runs to several lines
_RETRY_SECONDS = 60.0  # after a model could not be had

_LOADING = Lock()
_sessions: dict[Model, Any] = {}
_faults: dict[Model, tuple[float, str]] = {}  # when, and in words


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
    session = _session(model)
    with np.errstate(invalid="ignore"):  # of a mask that is the same everywhere
        try:
            levels = session.predict(image)[0]
        except Exception as error:  # onnxruntime's errors share no class
            raise OperationError(f"cutout={model}: the model failed ({_in_short(error)})") from error
    return np.asarray(levels.convert("L"))


def _session(model: Model) -> Any:
    """The loaded model. Raises OperationError; a download that failed is not repeated for every image."""
    with _LOADING:
        if model in _sessions:
            return _sessions[model]
        failed_at, fault = _faults.get(model, (-_RETRY_SECONDS, ""))
        if time.monotonic() - failed_at >= _RETRY_SECONDS:
            try:
                return _sessions.setdefault(model, _loaded(model))
            except OperationError as error:
                fault = str(error)
                _faults[model] = time.monotonic(), fault
        raise OperationError(fault)


def _loaded(model: Model) -> Any:
    if reason := missing("cutout"):
        raise OperationError(f"cutout={model}: {reason}")
    rembg = _imported()
    name = _REMBG.get(model, _CUSTOM)
    file = Path(rembg.sessions.sessions[name].model_dir()) / f"{name}.onnx"
    try:
        options = rembg.session_factory.ort.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        own = {"model_path": str(file)} if name == _CUSTOM else {}
        return rembg.new_session(name, options, providers=["CPUExecutionProvider"], **own)
    except Exception as error:  # no network, no disk, not a model: whatever rembg and onnxruntime raise
        remedy = "put your own model there" if name == _CUSTOM else "connect once to download it, or copy it there"
        words = f"cutout={model}: {file} could not be loaded ({_in_short(error)}); {remedy}"
        raise OperationError(words.replace(str(Path.home()), "~")) from error


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


def _in_short(error: Exception) -> str:
    return textwrap.shorten(f"{type(error).__name__}: {error}", _LONGEST_FAULT, placeholder=" …")
