"""The networks of a pipeline computed by OpenVINO, which is faster than torch on most CPUs.

Only what a network computes is replaced, so the pipeline calls it as before. A network is converted when it is first
called, by what it is called with. Before OpenVINO is relied upon for a size, its result is compared with torch's, once:
where a conversion fails or differs, torch computes that network, and it is said in words.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

_MOST_DIFFERENCE = 0.05  # of the length of the result; bfloat16 alone comes to less than 0.02
_HINTS = {torch.float32: "f32", torch.bfloat16: "bf16"}
_WORDS = 160


class OpenVinoNetworks:
    """Those networks of a pipeline that OpenVINO computes.

    Args:
        pipe: A diffusers pipeline in float32 on the CPU; its networks are changed.
        dtype: What OpenVINO computes in: float32 or bfloat16.

    Attributes:
        dtype: The same, as the manifest names it.
    """

    def __init__(self, pipe: Any, dtype: torch.dtype) -> None:
        denoiser = "unet" if getattr(pipe, "unet", None) is not None else "transformer"
        networks = {denoiser: getattr(pipe, denoiser), "encoder": pipe.vae.encoder, "decoder": pipe.vae.decoder}
        self.dtype = str(dtype).removeprefix("torch.")
        self._replaced = {name: _Converted(one, _HINTS[dtype]) for name, one in networks.items()}

    def __str__(self) -> str:
        """What computes the networks, for the manifest."""
        faults = [f"{name} by torch: {one.fault}" for name, one in self._replaced.items() if one.fault]
        return "; ".join((f"openvino {metadata.version('openvino')} in {self.dtype}", *faults))


class _Converted:
    """Stands in for the `forward` of a network."""

    def __init__(self, network: torch.nn.Module, hint: str) -> None:
        self._network, self._forward, self._hint = network, network.forward, hint
        network.forward = self
        self._call: _Call | None = None
        self._compiled: Any = None
        self._fault = ""
        self._checked: dict[tuple[torch.Size, ...], str] = {}  # sizes, and what was wrong with each

    @property
    def fault(self) -> str:
        """Why torch computes this network, or does for some sizes; "" if it never does."""
        return self._fault or next(filter(None, self._checked.values()), "")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._fault:
            try:
                return self._computed(_Call(args, kwargs))
            except Exception as error:  # tracing, converting and computing may fail in any way
                self._fault = " ".join(f"{type(error).__name__}: {error}".split())[:_WORDS]
                self._compiled = None
        return self._forward(*args, **kwargs)

    def _computed(self, call: _Call) -> Any:
        if self._call is None:
            self._network.forward = self._forward  # which is what is traced
            try:
                self._compiled, self._call = _compile(self._network, call, self._hint), call
            finally:
                self._network.forward = self
        if not call.is_like(self._call):
            raise ValueError("it is called in more than one way")
        shapes = tuple(one.shape for one in call.tensors)
        if self._checked.get(shapes):
            return self._forward(*call.args, **call.kwargs)
        result = self._run(call.tensors)
        if shapes not in self._checked:
            expected = self._forward(*call.args, **call.kwargs)
            self._checked[shapes] = _difference(result, _only(expected))
            if self._checked[shapes]:
                return expected
        return (result,) if self._call.returns_tuple else result

    def _run(self, tensors: Sequence[Tensor]) -> Tensor:
        found = self._compiled([one.contiguous().numpy() for one in tensors])[0]
        return torch.from_numpy(found.copy())  # its memory is used again by the next call


class _Call:
    """What a network is called with: its tensors, and all else.

    Attributes:
        returns_tuple: Whether the network answered with a tuple; known after it was traced.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self.returns_tuple = False
        leaves, self._spec = tree_flatten((args, kwargs))
        self.tensors = [one for one in leaves if isinstance(one, Tensor)]
        self._others = [None if isinstance(one, Tensor) else one for one in leaves]
        self._places = [place for place, one in enumerate(leaves) if isinstance(one, Tensor)]

    @property
    def _layout(self) -> tuple[TreeSpec, list[int], list[Any], list[tuple[int, torch.dtype]]]:
        return self._spec, self._places, self._others, [(one.ndim, one.dtype) for one in self.tensors]

    def is_like(self, other: _Call) -> bool:
        """Whether only the values and sizes of tensors differ."""
        return self._layout == other._layout

    def filled(self, tensors: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other tensors."""
        leaves = list(self._others)
        for place, one in zip(self._places, tensors, strict=True):
            leaves[place] = one
        args, kwargs = tree_unflatten(leaves, self._spec)
        return args, kwargs


class _Traceable(torch.nn.Module):
    """A network as a function of tensors alone."""

    def __init__(self, network: torch.nn.Module, call: _Call) -> None:
        super().__init__()
        self.network, self._call_as = network, call

    def forward(self, *tensors: Tensor) -> Tensor:
        args, kwargs = self._call_as.filled(tensors)
        result = self.network(*args, **kwargs)
        self._call_as.returns_tuple = isinstance(result, tuple)
        return _only(result)


def _only(result: Any) -> Tensor:
    """The one tensor that a network answers with."""
    if isinstance(result, tuple) and len(result) == 1:
        result = result[0]
    if not isinstance(result, Tensor):
        raise TypeError(f"it answers with {type(result).__name__}, expected a tensor")
    return result


def _difference(result: Tensor, expected: Tensor) -> str:
    """What is wrong with a result, in words; "" if nothing is."""
    if result.shape != expected.shape:
        return f"for some sizes, since it gives {tuple(result.shape)} where torch gives {tuple(expected.shape)}"
    difference = float((result - expected).norm() / expected.norm().clamp_min(1e-12))
    if not difference <= _MOST_DIFFERENCE and bool(torch.isfinite(expected).all()):
        return f"for some sizes, since it differs from torch by {difference:.3f} of the result"
    return ""


def _compile(network: torch.nn.Module, call: _Call, hint: str) -> Any:
    # Otherwise OpenVINO reports its import and each conversion over the network; without this package it does not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    with warnings.catch_warnings():
        # Sizes may be taken for constants, it warns: that is why results of each size are compared.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(_Traceable(network, call), tuple(call.tensors), check_trace=False)
    converted = openvino.convert_model(traced, example_input=tuple(call.tensors))
    return openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": hint})
