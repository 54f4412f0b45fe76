"""A model of the hub on its way into the local cache: only the files that are loaded, with progress, and stoppable.

diffusers would fetch them as well, but without a word for the minutes that gigabytes take, and without a way to stop.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, errors, hf_hub_download, snapshot_download
from huggingface_hub.utils import httpx
from tqdm import tqdm  # type: ignore[import-untyped]

from augmentai.engines.diffusion.presence import cached_file
from augmentai.engines.diffusion.shots import StoppedError

INDEX = "model_index.json"
_NO_NETWORK = (errors.OfflineModeIsEnabled, httpx.TransportError, ConnectionError)
_WEIGHTS = {".safetensors", ".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".pb", ".pt", ".pth", ".xml"}


def fetch(
    name: str,
    revision: str | None,
    token: str | None,
    half: bool,
    tell: Callable[[str, float], None],
    stopped: Callable[[], bool],
) -> str:
    """Bring what a pipeline needs into the cache; what is there already is not fetched again.

    half: 16-bit weights are taken where the repository has them, which is half the download. tell: told in words what
    has come so far, and its share of the whole. Returns the variant to load: "fp16", or "" for the plain weights.
    Where the hub is out of reach or gives nothing, what the cache holds must do. Raises StoppedError soon after
    `stopped()` is true, OSError and the hub's errors where the model cannot be had; what has come so far is kept, and
    the next call goes on from there.
    """
    try:
        info = HfApi(token=token).model_info(name, revision=revision, files_metadata=True)
    except (errors.HfHubHTTPError, *_NO_NETWORK):
        cached = cached_file(name, revision)
        if cached is None:
            raise
        held = {path.relative_to(cached.parent).as_posix() for path in cached.parent.rglob("*") if path.is_file()}
        return _variant(chosen(held, _components(cached), half))
    sizes = {one.rfilename: one.size or 0 for one in info.siblings or ()}
    if INDEX not in sizes:
        return ""  # diffusers says what is wrong with it
    index = Path(hf_hub_download(name, INDEX, revision=info.sha, token=token))
    files = chosen(sizes, _components(index), half)
    missing = [file for file in files if not (index.parent / file).is_file()]
    if missing:
        progress = _Progress(name, sum(sizes[file] for file in missing), tell, stopped)
        snapshot_download(
            name, revision=revision, token=token, allow_patterns=[INDEX, *files], tqdm_class=progress.bars()
        )
    return _variant(files)


def _variant(files: Collection[str]) -> str:
    return "fp16" if any(".fp16" in file for file in files) else ""


def _components(index: Path) -> set[str]:
    """The parts of a pipeline that its index names; those that it says to have none of are not among them."""
    said: Mapping[str, Any] = json.loads(index.read_text(encoding="utf-8"))
    return {part for part, kind in said.items() if isinstance(kind, list) and any(kind)}


def chosen(files: Collection[str], components: Collection[str], half: bool) -> list[str]:
    """Of a repository's files those that a pipeline is loaded from: safetensors and what is no weight at all."""
    taken = []
    for component in sorted(components):
        inside = [file for file in files if file.startswith(f"{component}/") and file.count("/") == 1]
        weights = [file for file in inside if file.endswith(".safetensors")]
        halves = [file for file in weights if ".fp16" in file]
        plain = [file for file in weights if "." not in Path(file).stem]  # no variant: neither fp16 nor non_ema
        taken += (halves or plain) if half else (plain or halves)
        # The index of weights in several files, m.safetensors.index.fp16.json, is no weight itself.
        taken += [file for file in inside if Path(file).suffix not in _WEIGHTS and ".bin.index." not in file]
    return sorted(taken)


class _Progress:
    """The hub's progress bars, heard instead of shown. Its files come side by side, each in a thread."""

    def __init__(self, name: str, total: int, tell: Callable[[str, float], None], stopped: Callable[[], bool]) -> None:
        self._name, self._total, self._tell, self._stopped = name, max(1, total), tell, stopped
        self._lock = threading.Lock()
        self._come: dict[int, float] = {}  # bytes, by bar: what is received and what is written are counted apart

    def bars(self) -> type[tqdm]:
        progress = self

        class Bar(tqdm):
            def __init__(self, *given: Any, **options: Any) -> None:
                self._bytes = options.get("unit") == "B"
                super().__init__(*given, **{**options, "disable": True})

            def update(self, n: float | None = 1) -> None:
                if self._bytes:
                    progress.came(id(self), n or 0)

        return Bar

    def came(self, bar: int, count: float) -> None:
        with self._lock:
            self._come[bar] = self._come.get(bar, 0) + count
            come = min(max(self._come.values()), self._total)
            self._tell(f"downloading {self._name}: {_size(come)} of {_size(self._total)}", come / self._total)
        if self._stopped():
            raise StoppedError


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
