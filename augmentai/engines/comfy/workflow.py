"""A workflow as ComfyUI's editor exports it for its API, and the same filled in for one image."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROMPT, NEGATIVE = "{prompt}", "{negative_prompt}"
_SEEDS = ("seed", "noise_seed")
_STRENGTH = "denoise"
_SHOWN_CHARS = 12

Nodes = dict[str, dict[str, Any]]


class WorkflowError(ValueError):
    """A workflow cannot be used; the message names the file, what was found and what to do."""


@dataclass(frozen=True)
class Filling:
    """What one image is made of.

    Attributes:
        image, mask: the names of uploaded files; no mask if the whole image is painted.
        prompt, negative_prompt: in words.
        seed: of the pixels.
        strength: 0 to 1; None for that of the workflow.
    """

    image: str
    prompt: str
    negative_prompt: str
    seed: int
    strength: float | None = None
    mask: str = ""


@dataclass(frozen=True)
class Workflow:
    """One workflow.

    Attributes:
        nodes: {number: {"class_type": ..., "inputs": {...}}}, as the file has them.
        version: says which workflow it is.
    """

    nodes: Nodes = field(repr=False)
    version: str

    @classmethod
    def read(cls, path: Path) -> Workflow:
        """Read and check a file.

        Raises:
            WorkflowError: it cannot be used.
        """
        try:
            data = path.read_bytes()
            nodes = json.loads(data)
        except OSError as error:
            raise WorkflowError(f"{path}: the workflow cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise WorkflowError(f"{path}: this is not JSON; export the workflow with Export (API)") from error
        if isinstance(nodes, dict) and isinstance(nodes.get("nodes"), list):
            raise WorkflowError(f"{path}: this is the editor's own format; export the workflow with Export (API)")
        if not _are_nodes(nodes):
            raise WorkflowError(f"{path}: this holds no nodes; export a workflow of ComfyUI with Export (API)")
        workflow = cls(nodes, hashlib.sha256(data).hexdigest()[:_SHOWN_CHARS])
        if len(found := workflow.of_class("LoadImage")) != 1:
            raise WorkflowError(f"{path}: this has {len(found)} nodes Load Image, expected one, which gets the image")
        if not any(workflow.of_class(name) for name in ("SaveImage", "PreviewImage", "SaveImageWebsocket")):
            raise WorkflowError(f"{path}: this has no node Save Image, so nothing comes out of it")
        return workflow

    def of_class(self, name: str) -> list[str]:
        """The numbers of the nodes of one class."""
        return [number for number, node in self.nodes.items() if node["class_type"] == name]

    @property
    def has_mask(self) -> bool:
        """Whether it can paint a part of an image: it has one node Load Image (as Mask)."""
        return len(self.of_class("LoadImageMask")) == 1

    @property
    def reads_prompt(self) -> bool:
        """Whether some text in it has {prompt}."""
        return any(PROMPT in value for value in self._values() if isinstance(value, str))

    @property
    def has_strength(self) -> bool:
        """Whether a sampler in it has a strength of its own (denoise)."""
        return any(_is_number(node["inputs"].get(_STRENGTH)) for node in self.nodes.values())

    def filled(self, filling: Filling) -> Nodes:
        """The workflow for one image.

        Example:
            >>> nodes = {"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
            ...          "2": {"class_type": "KSampler", "inputs": {"seed": 1, "denoise": 0.5}}}
            >>> filled = Workflow(nodes, "1").filled(Filling("b.png", "fog", "", 7, strength=0.3))
            >>> filled["1"]["inputs"], filled["2"]["inputs"]["seed"], filled["2"]["inputs"]["denoise"]
            ({'image': 'b.png'}, 7, 0.3)
        """
        nodes = copy.deepcopy(self.nodes)
        for node in nodes.values():
            inputs = node["inputs"]
            for name, value in inputs.items():
                if isinstance(value, str):
                    # The other way round, words of a prompt could be taken for a placeholder.
                    inputs[name] = value.replace(NEGATIVE, filling.negative_prompt).replace(PROMPT, filling.prompt)
                elif name in _SEEDS and _is_number(value):
                    inputs[name] = filling.seed
                elif name == _STRENGTH and _is_number(value) and filling.strength is not None:
                    inputs[name] = filling.strength
        nodes[self.of_class("LoadImage")[0]]["inputs"]["image"] = filling.image
        if self.has_mask and filling.mask:
            nodes[self.of_class("LoadImageMask")[0]]["inputs"] |= {"image": filling.mask, "channel": "red"}
        return nodes

    def _values(self) -> list[Any]:
        return [value for node in self.nodes.values() for value in node["inputs"].values()]


def _are_nodes(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and bool(found)
        and all(
            isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
            for node in found.values()
        )
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
