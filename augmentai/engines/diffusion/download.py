"""A model of the hub on its way into the local cache: only the files that are loaded, with progress, and stoppable.

diffusers would fetch them as well, but without a word for the minutes that gigabytes take, and without a way to stop.
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

from augmentai.engines.diffusion.availability import cached_file
from augmentai.engines.diffusion.paint_request import ModelError, StoppedError
from augmentai.engines.diffusion.weight_files import INDEX, chosen, held, read_index

_NO_NETWORK = (errors.OfflineModeIsEnabled, httpx.TransportError, ConnectionError)
_ANSWER_SECONDS = 10.0


def fetch(
    name: str,
    revision: str | None,
    token: str | None,
    half: bool,
    tell: Callable[[str, float], None],
    stopped: Callable[[], bool],
) -> tuple[Path, list[str]]:
    """Bring what a pipeline needs into the cache; what is there already is not fetched again.

    half: 16-bit weights are taken where the repository has them, which is half the download. tell: told in words what
    has come so far, and its share of the whole. Where the hub is out of reach or gives nothing, what the cache holds
    must do. Raises StoppedError within some megabytes after `stopped()` is true, ModelError and the hub's errors where
    the model cannot be had; the files that have come whole are kept.

    Returns the folder, and which of its files to load from.
    """
    try:
        api = HfApi(token=token)
        info = api.model_info(name, revision=revision, files_metadata=True, timeout=_ANSWER_SECONDS)
    except (errors.HfHubHTTPError, *_NO_NETWORK):
        if cached := _in_cache(name, revision, half):
            return cached
        raise
    sizes = {one.rfilename: one.size or 0 for one in info.siblings or ()}
    if INDEX not in sizes:
        raise ModelError(f"{name} has no {INDEX}: it is no pipeline of diffusers; correct AUGMENTAI_DIFFUSION_MODEL")
    index = Path(hf_hub_download(name, INDEX, revision=revision, token=token))
    files = chosen(sizes, read_index(index).components, half)
    missing = [file for file in files if not (index.parent / file).is_file()]
    if missing:
        progress = _Progress(name, sum(sizes[file] for file in missing), tell, stopped)
        with _plain_http():
            snapshot_download(
                name, revision=index.parent.name, token=token, allow_patterns=missing, tqdm_class=progress.bars()
            )
    if stopped():
        raise StoppedError
    return index.parent, files


def _in_cache(name: str, revision: str | None, half: bool) -> tuple[Path, list[str]] | None:
    """What `fetch` returns, of a model that was fetched whole before, in weights of 16 or 32 bits."""
    cached = cached_file(name, revision)
    if cached is None:
        return None
    folder, components = cached.parent, read_index(cached).components
    try:
        listed = [one.path for one in get_cached_repo_tree(name, revision=folder.name)]
    except errors.CachedRepoTreeNotFoundError:  # by an older program, which left no list: it may be whole
        return folder, chosen(held(folder), components, half)
    for bits in (half, not half):
        files = chosen(listed, components, bits)
        if all((folder / file).is_file() for file in files):
            return folder, files
    return None


@contextmanager
def _plain_http() -> Iterator[None]:
    """Without Xet, whose threads swallow what is raised in them: a download by it cannot be stopped."""
    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before


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
                progress.came(id(self), (n or 0) if self._bytes else 0)

        return Bar

    def came(self, bar: int, count: float) -> None:
        """Bytes of any file, told by one of the bars.

        Raises StoppedError, which ends that file's download and with it the others'.
        """
        if self._stopped():
            raise StoppedError
        with self._lock:
            self._come[bar] = self._come.get(bar, 0) + count
            come = min(max(self._come.values()), self._total)
        self._tell(f"downloading {self._name}: {_size(come)} of {_size(self._total)}", come / self._total)


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
