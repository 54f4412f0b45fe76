"""Downloading a hub model into the local cache: only the files that are loaded, with progress, and interruptible.

diffusers would download them too, but without reporting anything for the minutes that gigabytes take, and without a
way to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, errors, get_cached_repo_tree, hf_hub_download, snapshot_download
from huggingface_hub.utils import httpx
from tqdm import tqdm  # type: ignore[import-untyped]

from augmentai.engines.base import OnProgress
from augmentai.engines.diffusion.availability import cached_index
from augmentai.engines.diffusion.paint_request import ModelError, StoppedError
from augmentai.engines.diffusion.weight_files import INDEX, list_files, read_index, select_files

_NO_NETWORK = (errors.OfflineModeIsEnabled, httpx.TransportError, ConnectionError)
_TIMEOUT_SECONDS = 10.0


def download_model(
    name: str,
    revision: str | None,
    token: str | None,
    half: bool,
    on_progress: OnProgress,
    stopped: Callable[[], bool],
    about: Callable[[float, float], str] = lambda total_gb, largest_gb: "",
) -> tuple[Path, list[str]]:
    """Download what a pipeline is loaded from; files that are cached already are not downloaded again.

    If the hub cannot be reached or refuses, a complete model in the cache is used.

    Args:
        name: Hub id.
        revision: Branch, tag or commit; None for the newest.
        token: For gated and private models.
        half: Prefer 16-bit weights if the repository has them, which is half the download.
        on_progress: Called with what has been downloaded so far, in words, and its share of the whole.
        stopped: Polled during the download.
        about: What a model of this size needs, in words: of all its weights and of its largest network, in GB.

    Returns:
        The folder, and which of its files to load from.

    Raises:
        StoppedError: Within some megabytes after `stopped()` is true; files that are complete are kept.
        ModelError: The repository is not a diffusers pipeline.
        Exception: One of the hub's own, if the model cannot be downloaded; see `load_errors.explain`.
    """
    try:
        api = HfApi(token=token)
        info = api.model_info(name, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS)
    except (errors.HfHubHTTPError, *_NO_NETWORK):
        if cached := _cached(name, revision, half):
            return cached
        raise
    sizes = {entry.rfilename: entry.size or 0 for entry in info.siblings or ()}
    if INDEX not in sizes:
        raise ModelError(f"{name} has no {INDEX}: it is not a diffusers pipeline; correct AUGMENTAI_DIFFUSION_MODEL")
    index = Path(hf_hub_download(name, INDEX, revision=revision, token=token))
    files = select_files(sizes, read_index(index).components, half)
    missing = [file for file in files if not (index.parent / file).is_file()]
    if missing:
        licence, needs = _licence(info), about(*_weights_gb(sizes, files))
        on_progress("; ".join(filter(None, (f"{name} is under the licence {licence}", needs))), 0.0)
        progress = _Progress(name, sum(sizes[file] for file in missing), on_progress, stopped)
        with _without_xet():
            snapshot_download(
                name, revision=index.parent.name, token=token, allow_patterns=missing, tqdm_class=progress.bars()
            )
    if stopped():
        raise StoppedError
    return index.parent, files


def _licence(info: Any) -> str:
    """As the model's card names it."""
    card = info.card_data
    found = (card.get("license_name") or card.get("license")) if card is not None else None
    tagged = next((tag for tag in info.tags or () if tag.startswith("license:")), "")
    name = found or tagged.partition(":")[2] or "that its card states"
    return f"{name} (https://huggingface.co/{info.id})"


def _weights_gb(sizes: dict[str, int], files: list[str]) -> tuple[float, float]:
    """Of all weights, and of the largest network."""
    networks: dict[str, float] = {}
    for file in files:
        if file.endswith(".safetensors"):
            network = file.partition("/")[0]
            networks[network] = networks.get(network, 0.0) + sizes[file] / 1e9
    return sum(networks.values()), max(networks.values(), default=0.0)


def _cached(name: str, revision: str | None, half: bool) -> tuple[Path, list[str]] | None:
    """What `download_model` returns, for a model that is complete in the cache, with 16-bit or 32-bit weights."""
    cached = cached_index(name, revision)
    if cached is None:
        return None
    folder, components = cached.parent, read_index(cached).components
    try:
        listed = [entry.path for entry in get_cached_repo_tree(name, revision=folder.name)]
    except errors.CachedRepoTreeNotFoundError:  # by an older version, which stored no list: it may be complete
        return folder, select_files(list_files(folder), components, half)
    for prefer_half in (half, not half):
        files = select_files(listed, components, prefer_half)
        if all((folder / file).is_file() for file in files):
            return folder, files
    return None


@contextmanager
def _without_xet() -> Iterator[None]:
    """Disable Xet, whose threads swallow exceptions: a download by it cannot be stopped."""
    original = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = original


class _Progress:
    """The hub's progress bars, reported instead of shown. Files are downloaded in parallel, each in a thread."""

    def __init__(self, name: str, total: int, on_progress: OnProgress, stopped: Callable[[], bool]) -> None:
        self._name, self._total, self._on_progress, self._stopped = name, max(1, total), on_progress, stopped
        self._lock = threading.Lock()
        self._bytes: dict[int, float] = {}  # by bar: bytes received and bytes written are counted separately

    def bars(self) -> type[tqdm]:
        """A class of progress bars that report here."""
        progress = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **options: Any) -> None:
                self._counts_bytes = options.get("unit") == "B"
                super().__init__(*args, **{**options, "disable": True})

            def update(self, n: float | None = 1) -> None:
                progress.add(id(self), (n or 0) if self._counts_bytes else 0)

        return Bar

    def add(self, bar: int, count: float) -> None:
        """Count bytes of any file, reported by one of the bars.

        Raises:
            StoppedError: This ends the download of that file and with it the others.
        """
        if self._stopped():
            raise StoppedError
        with self._lock:
            self._bytes[bar] = self._bytes.get(bar, 0) + count
            done = min(max(self._bytes.values()), self._total)
        self._on_progress(f"downloading {self._name}: {_size(done)} of {_size(self._total)}", done / self._total)


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
