"""The local GAN as an engine: no key, no GPU, no network. The model itself is in `augmentai.gan`."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.engines.gan.painting import PreparedSource, encode, paint, prepare
from augmentai.engines.gan.style_cache import StyleCache
from augmentai.engines.gan.style_choice import choose_style
from augmentai.gan.style_donors import StyleDonors
from augmentai.images import ImageError, Photo, decode
from augmentai.settings import Settings
from augmentai.system.cpu import usable_cores
from augmentai.types import Source

if TYPE_CHECKING:
    from torch import Tensor

    from augmentai.gan.weights_file import Weights

STYLES_COMPARED = 96  # to choose a set's strength: 2.8 s for JPEGs of 1280x853 on two cores
_PAINTERS = min(8, usable_cores())  # images painted at once
_MAX_PIXELS_IN_HAND = 60_000_000  # each image in hand takes six bytes a pixel: itself and its result


class GanEngine(Engine):
    """Paints a source in the style of other images of its class, or of the style bank, each time relit."""

    name = "gan"
    title = "Local GAN"
    blurb = "any computer"
    auto_rank = 30
    borrows_from_other_sources = True  # styles, and the strength that the whole set can take

    def __init__(self, settings: Settings) -> None:
        # Waiting threads sleep: by default they spin, which on two busy cores made a small image ten times as slow.
        # It has to be set before torch is first loaded, by whatever loads it.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        super().__init__(settings)
        self._styles = StyleCache()

    def readiness(self) -> Readiness:
        path = self.settings.gan_weights
        if not path.is_file():
            return Readiness(False, f"the weights file {path} is not there; set AUGMENTAI_GAN_WEIGHTS or restore it")
        return Readiness(True)

    def model_version(self) -> str:
        path = self.settings.gan_weights
        return f"weights sha256 {_sha256_of(path, path.stat().st_mtime_ns)[:16]}"

    def seconds_per_image(self, pixels: float) -> float:
        return 0.02 + 0.25 * pixels / 1e6  # measured on two cores

    def warm_up(self) -> None:
        """Load torch and the weights ahead of the first task. What goes wrong here is reported by `make`."""
        with suppress(Exception):
            self._load()

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.gan.weights_file import WeightsError

        try:
            weights, device = self._load()
        except (WeightsError, RuntimeError) as error:
            raise EngineUnavailableError(str(error)) from error
        pool = _paint_threads()
        try:
            yield from _Run(self.name, self._styles, weights, device, job, pool).results(tasks)
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self) -> tuple[Weights, str]:
        import torch

        device = self.settings.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        path = self.settings.gan_weights
        return _load_weights(path, path.stat().st_mtime_ns, device), device


@dataclass(frozen=True)
class _Painting:
    """An image that is being painted."""

    task: Task
    donor: str
    result: Future[tuple[Image.Image, float]]


class _Run:
    """One call of `GanEngine.make`."""

    def __init__(
        self, engine: str, styles: StyleCache, weights: Weights, device: str, job: JobView, pool: ThreadPoolExecutor
    ) -> None:
        self._engine, self._styles, self._weights, self._device = engine, styles, weights, device
        self._job, self._pool = job, pool
        donors = job.engine_state.get(engine)
        self._donors: StyleDonors = StyleDonors(job.sources) if donors is None else donors
        job.engine_state[engine] = self._donors
        self._prepared: tuple[str, Future[PreparedSource]] | None = None  # the last source, by its hash

    def results(self, tasks: Iterator[Task]) -> Iterator[Made | Refused]:
        """Results in the order of the tasks, a few images painted at once."""
        strength = self._strength()
        in_hand: deque[_Painting] = deque()
        for task in tasks:
            try:
                source = self._source(task).result()
                style, donor = choose_style(task, source.style, self._weights, self._donors, self._style_of_donor)
            except (RuntimeError, MemoryError) as error:
                yield Refused(task, _failed(error))
                continue
            painting = self._pool.submit(paint, source, style, self._weights, strength, task.seed)
            in_hand.append(_Painting(task, donor, painting))
            while _enough(in_hand):
                yield self._answer(in_hand.popleft(), strength)
        while in_hand:
            yield self._answer(in_hand.popleft(), strength)

    def _source(self, task: Task) -> Future[PreparedSource]:
        """The source, prepared once: its variations follow one another."""
        if self._prepared is None or self._prepared[0] != task.source.sha256:
            self._prepared = (task.source.sha256, self._pool.submit(self._prepare, task.source, task.photo))
        return self._prepared[1]

    def _prepare(self, source: Source, photo: Photo) -> PreparedSource:
        prepared = prepare(photo, self._weights, self._device)
        self._styles.remember((self._weights.cache_key, source.sha256), prepared.style[0])
        return prepared

    def _answer(self, painting: _Painting, strength: float) -> Made | Refused:
        try:
            image, seconds = painting.result.result()
        except (RuntimeError, MemoryError) as error:
            return Refused(painting.task, _failed(error))
        model = f"augmentai-gan {self._weights.metadata.get('steps', '?')} steps"
        details = {"donor": painting.donor}
        return Made(
            painting.task, self._engine, image, model, seconds, repainted=False, details=details, strength=strength
        )

    def _strength(self) -> float:
        """The recipe's strength, or the one that the classes can take, by the styles of a sample of the sources."""
        from augmentai.gan.auto_strength import MANY_PER_CLASS, class_separation, strength_for_set

        key, donors, job = f"{self._engine} strength", self._donors, self._job
        if isinstance(job.recipe.strength, str) and key not in job.engine_state:
            import torch

            sample = donors.sample(STYLES_COMPARED) if donors.images_per_class() < MANY_PER_CLASS else []
            found = self._pool.map(self._style_unless_stopped, [source for source, _ in sample])
            known = [(style, label) for style, (_, label) in zip(found, sample, strict=True) if style is not None]
            styles, labels = [style for style, _ in known], [label for _, label in known]
            separation = class_separation(torch.stack(styles), labels) if styles else None
            job.engine_state[key] = strength_for_set(separation, donors.images_per_class())
        return job.recipe.strength_or(job.engine_state.get(key, 0.0))

    def _style_unless_stopped(self, source: Source) -> Tensor | None:
        return None if self._job.stop.is_set() else self._style_of(source)

    def _style_of_donor(self, source: Source) -> Tensor | None:
        is_known, style = self._styles.look_up((self._weights.cache_key, source.sha256))
        return style if is_known else self._pool.submit(self._style_of, source).result()

    def _style_of(self, source: Source) -> Tensor | None:
        """The style of a source, decoded if need be; None if it cannot be decoded."""
        key = (self._weights.cache_key, source.sha256)
        is_known, style = self._styles.look_up(key)
        if is_known:
            return style
        try:
            photo = decode(source.read(), source.path, self._job.max_pixels)
            style = encode(photo, self._weights, self._device)[2][0]
        except (ImageError, OSError):
            style = None  # it is reported as a source; as a donor it is skipped
        self._styles.remember(key, style)
        return style


def _enough(in_hand: Sequence[_Painting]) -> bool:
    """One more than are painted at once, so that no thread waits for a file to be written; fewer of large images."""
    pixels = sum(width * height for width, height in (painting.task.photo.size_wh for painting in in_hand))
    return len(in_hand) > _PAINTERS or (len(in_hand) > 1 and pixels > _MAX_PIXELS_IN_HAND)


def _paint_threads() -> ThreadPoolExecutor:
    """Threads with one torch thread each: two images at once take half the time, two threads on one image do not.

    Torch counts threads per thread, so setting it here first leaves the caller's number alone; it counts the cores of
    the machine, not those that this process may use.
    """
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))
    return ThreadPoolExecutor(_PAINTERS, "gan", initializer=torch.set_num_threads, initargs=(1,))


def _failed(error: Exception) -> str:
    return f"the local GAN failed on this image ({(str(error).splitlines() or [type(error).__name__])[0][:200]})"


@lru_cache(maxsize=2)
def _sha256_of(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=2)
def _load_weights(path: Path, changed_ns: int, device: str) -> Weights:
    from augmentai.gan.weights_file import load

    return load(path, device)
