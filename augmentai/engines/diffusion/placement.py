"""Where the weights of a pipeline are kept: on the GPU, or in main memory, to be moved in when used."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch

_WORKING_BYTES = 3 * 2**30  # what a few images need on top of the weights; larger batches find their own limit


def place_weights(pipe: Any, device: str, zerogpu: bool) -> str:
    """Move a pipeline to the device, or set it up to move its weights in when they are used.

    Args:
        pipe: A diffusers pipeline.
        device: "cpu", "cuda" or "cuda:N".
        zerogpu: The GPU is allocated later, and its free memory cannot be queried.

    Returns:
        The placement, see `choose_placement`.
    """
    free = None if zerogpu else free_bytes(device)
    if free is None:
        pipe.to(device)
        return "whole"
    placement = choose_placement([_bytes(network) for network in networks_of(pipe)], free)
    if placement == "whole":
        try:
            pipe.to(device)
        except torch.OutOfMemoryError:
            placement = "parts"
    if placement != "whole":
        pipe.to("cpu")
        free_memory(device)
    if placement == "parts":
        pipe.enable_model_cpu_offload(device=device)
    elif placement == "layers":
        pipe.enable_sequential_cpu_offload(device=device)
    return placement


def free_bytes(device: str) -> int | None:
    """Free memory of a GPU; None if it has none of its own, or if that is not known."""
    kind = device.partition(":")[0]
    if kind not in {"cuda", "xpu"}:
        return None
    free, _ = getattr(torch, kind).mem_get_info(device)
    return int(free)


def free_memory(device: str) -> None:
    """Give memory back that torch keeps for later."""
    kind = device.partition(":")[0]
    if kind != "cpu":
        getattr(torch, kind).empty_cache()


def choose_placement(network_bytes: Sequence[int], free_bytes: int) -> str:
    """Choose how to place networks on a GPU.

    Args:
        network_bytes: The size of each network.
        free_bytes: Free memory of the GPU.

    Returns:
        "whole" if all networks fit at once, "parts" if each fits alone, else "layers", which is slow.

    Example:
        >>> gb = 2**30
        >>> [choose_placement([2 * gb, 10 * gb], free * gb) for free in (16, 14, 8)]
        ['whole', 'parts', 'layers']
    """
    if sum(network_bytes) + _WORKING_BYTES <= free_bytes:
        return "whole"
    return "parts" if max(network_bytes) + _WORKING_BYTES <= free_bytes else "layers"


def networks_of(pipe: Any) -> list[torch.nn.Module]:
    """The components of a pipeline that have weights."""
    return [component for component in pipe.components.values() if isinstance(component, torch.nn.Module)]


def _bytes(network: torch.nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in itertools.chain(network.parameters(), network.buffers()))
