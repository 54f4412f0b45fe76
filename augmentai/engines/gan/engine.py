"""The local GAN as an engine: no key, no GPU, no network. The model itself is in `augmentai.gan`."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.engines.gan.light_words import follows_any, not_followed, presets_in
from augmentai.engines.gan.painting import PreparedSource, load_painting, paint, prepare, style_of
from augmentai.engines.gan.style_cache import StyleCache
from augmentai.engines.gan.style_choice import choose_style
from augmentai.engines.prompts import Prompt, prompt_of
from augmentai.gan.style_donors import StyleDonors
from augmentai.images import ImageError, Photo, decode
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.system.cpu import usable_cores
from augmentai.system.threads import executor
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array
    from augmentai.gan.runtime.network import Network

_RUNTIME = ", runtime 2"  # raised when the same seed gives other pixels
STYLES_COMPARED = 96  # to choose a set's strength: 2.8 s for JPEGs of 1280x853 on two cores
_PAINTERS = min(8, usable_cores())  # images painted at once
# Two more are in hand, so that no thread waits for a file to be written or for the next source to be prepared.
_IN_HAND = _PAINTERS + 2


class GanEngine(Engine):
    """Paints a source in the style of other images of its class, or of the style bank, each time relit."""

    name = "gan"
    title = "Local GAN"
    blurb = "any computer"
    changes = "Light, haze and colours. Everything stays where it is, so labels stay valid."
    auto_rank = 30
    works_in_processes = True
    borrows_from_other_sources = True  # styles, and the strength that the whole set can take

    def __init__(self, settings: Settings) -> None:
        # Where torch is loaded as well (diffusion, lift), its waiting threads sleep: by default they spin, which on two
        # busy cores made a small image ten times as slow. It has to be set before torch is first loaded.
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

    def differs_from(self, model: str) -> str:
        if not (model.startswith("augmentai-gan ") and model.endswith(" steps")):  # as 0.2.0 named it
            return ""
        return "it computes in another way since version 0.3.0, so pixels may differ by one level of 255"

    def seconds_per_image(self, pixels: float) -> float:
        return 0.01 + 0.03 * pixels / 1e6  # measured on two cores

    def follows(self, recipe: Recipe) -> str:
        return recipe.prompt.strip() if follows_any(recipe.prompt) else ""

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        notes = super().unused_settings(recipe)
        if not follows_any(recipe.prompt):
            return notes
        left = [f"does not paint {', '.join(words)}"] if (words := not_followed(recipe.prompt)) else []
        left += ["does not read the negative prompt"] if recipe.negative_prompt.strip() else []
        follows = f"{self.title} follows the light of the prompt alone"
        return (f"{follows}: {' and '.join(left)}" if left else follows, *notes[1:])

    def warm_up(self) -> None:
        """Load the network and compile the kernel ahead of the first task. `make` reports what goes wrong here."""
        from augmentai.gan.runtime.kernel import compiled_kernel

        with suppress(Exception):
            load_painting()
            self._load()
            compiled_kernel()

    def lenders(self, sources: Sequence[Source]) -> Sequence[Source]:
        return StyleDonors(sources, by_hash=True).lenders

    def measure_set(self, job: JobView) -> Mapping[str, Any]:
        if not isinstance(job.recipe.strength, str):
            return {}
        with executor(_PAINTERS, "gan") as pool:
            measured = _Run(self.name, self._styles, self._load(), job, pool)
            measured.strength()
        return {measured.strength_key: job.engine_state[measured.strength_key]}

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.gan.runtime.network import WeightsError

        try:
            network = self._load()
        except (WeightsError, ImportError) as error:
            raise EngineUnavailableError(str(error)) from error
        pool = executor(_PAINTERS, "gan")
        try:
            yield from _Run(self.name, self._styles, network, job, pool).results(tasks)
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self) -> Network:
        from augmentai.gan.runtime.network import load

        return load(self.settings.gan_weights)


@dataclass(frozen=True)
class _Painting:
    """An image that is being painted."""

    task: Task
    donor: str
    presets: tuple[str, ...]
    prompt: Prompt
    result: Future[tuple[Image.Image, float]]


class _Run:
    """One call of `GanEngine.make`."""

    def __init__(self, engine: str, styles: StyleCache, network: Network, job: JobView, pool: Executor) -> None:
        self._engine, self._styles, self._network = engine, styles, network
        self._job, self._pool = job, pool
        donors = job.engine_state.get(engine)
        self._donors: StyleDonors = StyleDonors(job.sources) if donors is None else donors
        job.engine_state[engine] = self._donors
        self._prepared: tuple[str, Future[PreparedSource]] | None = None  # the last source, by its hash

    def results(self, tasks: Iterator[Task]) -> Iterator[Made | Refused]:
        """Results in the order of the tasks, a few images painted at once."""
        strength = self.strength()
        in_hand: deque[_Painting] = deque()
        for task in tasks:
            prepared = self._source(task)
            while in_hand and not prepared.done():  # what is finished meanwhile goes on its way
                yield self._answer(in_hand.popleft(), strength)
            try:
                source = prepared.result()
                prompt = prompt_of(task) if task.recipe.prompt.strip() else Prompt("")
                presets = presets_in(prompt.text)
                style, donor = self._style_for(task, source, presets)
            except (RuntimeError, MemoryError) as error:
                yield Refused(task, _failed(error))
                continue
            painting = self._pool.submit(paint, source, style, self._network, strength, task.seed, presets)
            in_hand.append(_Painting(task, donor, presets, prompt, painting))
            del task, prepared, source, painting  # pixels, which are in memory until the next task comes
            while in_hand and (len(in_hand) >= _IN_HAND or self._job.memory.is_full):
                yield self._answer(in_hand.popleft(), strength)
        while in_hand:
            yield self._answer(in_hand.popleft(), strength)

    def _style_for(self, task: Task, source: PreparedSource, presets: tuple[str, ...]) -> tuple[Array, str]:
        """A donor's style and name; the source's own where the prompt asks for a light, which a donor would change."""
        if presets:
            return source.style, "none"
        return choose_style(task, source.style, self._network, self._donors, self._style_of)

    def _source(self, task: Task) -> Future[PreparedSource]:
        """The source, prepared once: its variations follow one another."""
        if self._prepared is None or self._prepared[0] != task.source.sha256:
            self._prepared = (task.source.sha256, self._pool.submit(self._prepare, task.source, task.photo))
        return self._prepared[1]

    def _prepare(self, source: Source, photo: Photo) -> PreparedSource:
        prepared = prepare(photo, self._network)
        self._styles.remember((self._network.cache_key, source.sha256), prepared.style[0])
        return prepared

    def _answer(self, painting: _Painting, strength: float) -> Made | Refused:
        try:
            image, seconds = painting.result.result()
        except (RuntimeError, MemoryError) as error:
            return Refused(painting.task, _failed(error))
        model = f"augmentai-gan {self._network.metadata.get('steps', '?')} steps{_RUNTIME}"
        details: dict[str, Any] = {"donor": painting.donor}
        prompt = painting.prompt.text if painting.presets else ""
        if painting.presets:
            followed = {name: word for name, word in painting.prompt.drawn.items() if presets_in(word)}
            details |= {"light": list(painting.presets), **Prompt(prompt, followed).as_details()}
        made_by = self._engine, image, model, seconds, prompt, False
        return Made(painting.task, *made_by, details=details, strength=strength)

    @property
    def strength_key(self) -> str:
        """What the strength of the whole set is remembered under."""
        return f"{self._engine} strength"

    def strength(self) -> float:
        """The recipe's strength, or the one that the classes can take, by the styles of a sample of the sources."""
        from augmentai.gan.auto_strength import MANY_PER_CLASS, class_separation, strength_for_set

        key, donors, job = self.strength_key, self._donors, self._job
        if isinstance(job.recipe.strength, str) and key not in job.engine_state:
            sample = donors.sample(STYLES_COMPARED) if donors.images_per_class() < MANY_PER_CLASS else []
            found = self._pool.map(self._style_unless_stopped, [source for source, _ in sample])
            known = [(style, label) for style, (_, label) in zip(found, sample, strict=True) if style is not None]
            styles, labels = [style for style, _ in known], [label for _, label in known]
            separation = class_separation(np.stack(styles), labels) if styles else None
            job.engine_state[key] = strength_for_set(separation, donors.images_per_class())
        return job.recipe.strength_or(job.engine_state.get(key, 0.0))

    def _style_unless_stopped(self, source: Source) -> Array | None:
        return None if self._job.stop.is_set() else self._style_of(source)

    def _style_of(self, source: Source) -> Array | None:
        """The style of a source, decoded if need be; None if it cannot be decoded."""
        key = (self._network.cache_key, source.sha256)
        is_known, style = self._styles.look_up(key)
        if is_known:
            return style
        try:
            photo = decode(source.read(), source.path, self._job.max_pixels)
            style = style_of(photo, self._network)
        except (ImageError, OSError):
            style = None  # it is reported as a source; as a donor it is skipped
        self._styles.remember(key, style)
        return style


def _failed(error: Exception) -> str:
    return f"the local GAN failed on this image ({(str(error).splitlines() or [type(error).__name__])[0][:200]})"


@lru_cache(maxsize=2)
def _sha256_of(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
