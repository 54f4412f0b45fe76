"""The local GAN as an engine: no key, no GPU, no network. The model itself is in `augmentai.gan`."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.gan.style_donors import StyleDonors, seeded_order
from augmentai.images import ImageError, decode
from augmentai.settings import Settings
from augmentai.system.cpu import usable_cores
from augmentai.types import Source

if TYPE_CHECKING:
    from torch import Tensor

    from augmentai.gan.weights_file import Weights
    from augmentai.images import Photo

FEW_DONORS = 8  # with fewer than this, styles of the bank join in, or variations would look alike
STYLES_COMPARED = 96  # when a set's strength is told from its styles: 2.8 s for JPEGs of 1280x853 on two cores
_STYLES_KEPT = 4096
_PAINTERS = min(8, usable_cores())  # pictures made at once
_PIXELS_AT_ONCE = 60_000_000  # of the pictures in hand: each holds itself and its result, six bytes a pixel
_NEXT_TRY = 17  # donors further on for a try after a rejected one: past those of the other variations
_TWIN = 0.98  # cosine of two styles: from here on they are one look, and lending it would change nothing


StyleOf = Callable[[Source], "Tensor | None"]  # of a donor; None where it cannot be read


class GanEngine(Engine):
    """Gives a source the look of other pictures of its class, of the job or of the bank, each time in another light."""

    name = "gan"
    title = "Local GAN"
    blurb = "any computer"
    auto_rank = 30

    def __init__(self, settings: Settings) -> None:
        # Waiting threads sleep: by default they spin, which on two busy cores made a small picture ten times as slow.
        # It has to be said before torch is first loaded, by whatever loads it.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        super().__init__(settings)
        self._styles: OrderedDict[tuple[str, str], Any] = OrderedDict()  # (weights, sha256 of a source) -> its style
        self._lock = threading.Lock()

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
        from contextlib import suppress

        with suppress(Exception):
            self._load()

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.gan.weights_file import WeightsError

        try:
            weights, device = self._load()
        except (WeightsError, RuntimeError) as error:
            raise EngineUnavailableError(str(error)) from error
        donors = job.engine_state.get(self.name)
        if donors is None:
            donors = job.engine_state[self.name] = StyleDonors(job.sources)
        pool, flight = _painters(), deque[tuple[Task, str, Future[tuple[Any, float]]]]()
        last: tuple[str, Any] = ("", None)

        def style_of(source: Source) -> Tensor | None:
            if (known := self._known((weights.cache_key, source.sha256))) is not None:
                return known[0]
            return pool.submit(self._style_of, source, weights, job, device).result()

        try:
            strength = self._strength(weights, donors, job, device, pool)
            for task in tasks:
                if last[0] != task.source.sha256:  # a source's variations follow one another
                    last = (task.source.sha256, pool.submit(self._prepare, task, weights, device))
                try:
                    source: _Prepared = last[1].result()
                    new_style, donor = self._new_style(task, weights, source.style, donors, style_of)
                except (RuntimeError, MemoryError) as error:
                    yield Refused(task, _failed(error))
                    continue
                flight.append((task, donor, pool.submit(self._paint, source, new_style, weights, strength, task.seed)))
                while _enough(flight):
                    yield self._answer(*flight.popleft(), weights, strength)
            while flight:
                yield self._answer(*flight.popleft(), weights, strength)
        finally:
            pool.shutdown(cancel_futures=True)

    def _answer(
        self, task: Task, donor: str, future: Future[tuple[Any, float]], weights: Weights, strength: float
    ) -> Made | Refused:
        try:
            image, seconds = future.result()
        except (RuntimeError, MemoryError) as error:
            return Refused(task, _failed(error))
        model = f"augmentai-gan {weights.metadata.get('steps', '?')} steps"
        details = {"donor": donor}
        return Made(task, self.name, image, model, seconds, repainted=False, details=details, strength=strength)

    def _load(self) -> tuple[Weights, str]:
        import torch

        device = self.settings.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        path = self.settings.gan_weights
        return _load_weights(path, path.stat().st_mtime_ns, device), device

    def _strength(
        self, weights: Weights, donors: StyleDonors, job: JobView, device: str, pool: ThreadPoolExecutor
    ) -> float:
        """The recipe's, or what the classes bear: told by the styles of a bounded sample of the labelled sources."""
        from augmentai.gan.auto_strength import MANY_PER_CLASS, class_separation, strength_for_set

        key = f"{self.name} strength"
        if isinstance(job.recipe.strength, str) and key not in job.engine_state:
            import torch

            def style(source: Source) -> Tensor | None:
                return None if job.stop.is_set() else self._style_of(source, weights, job, device)

            sample = donors.sample(STYLES_COMPARED) if donors.images_per_class() < MANY_PER_CLASS else []
            found = zip(pool.map(style, [source for source, _ in sample]), sample, strict=True)
            known = [(one, label) for one, (_, label) in found if one is not None]
            styles, labels = [one for one, _ in known], [label for _, label in known]
            job.engine_state[key] = strength_for_set(
                class_separation(torch.stack(styles), labels) if styles else None, donors.images_per_class()
            )
        return job.recipe.strength_or(job.engine_state.get(key, 0.0))

    def _prepare(self, task: Task, weights: Weights, device: str) -> _Prepared:
        import torch

        from augmentai.gan.render import blurred_base, to_pixels

        seen, content, style = self._encode(task.photo, weights, device)
        self._remember((weights.cache_key, task.source.sha256), style[0])
        pixels = to_pixels(task.photo.rgb)
        with torch.inference_mode():
            painted = weights.generator.painter(content, style)
            return _Prepared(seen, content, style, painted, pixels, blurred_base(pixels))

    def _encode(self, photo: Photo, weights: Weights, device: str) -> tuple[Tensor, Tensor, Tensor]:
        """The thumbnail, its content and its style."""
        import torch

        from augmentai.gan.render import thumbnail

        with torch.inference_mode():
            seen = thumbnail(photo.flattened()).to(device)
            return seen, *weights.generator.encode(seen)

    def _paint(
        self, source: _Prepared, new_style: Tensor, weights: Weights, strength: float, seed: int
    ) -> tuple[Any, float]:
        """The finished picture, and the seconds it took.

        It is painted in the new style first, as a thumbnail, to learn which style that would be in another light:
        so each variation has a light of its own, however few donors there are.
        """
        import torch

        from augmentai.gan.light import relit_style
        from augmentai.gan.network import smoothed_change
        from augmentai.gan.render import apply_full_size, effect_of, protect_backgrounds, to_image

        begun = time.perf_counter()
        with torch.inference_mode():
            painter = weights.generator.painter
            borrowed = smoothed_change(source.painted, painter(source.content, new_style))
            light = torch.Generator().manual_seed(seed)
            style = relit_style(weights.generator, source.seen, borrowed, light)
            change = smoothed_change(source.painted, painter(source.content, style))[0].cpu()
            change = protect_backgrounds(change, source.pixels, effect_of(strength))
            # Rounded, so that the last bits of a sum (which hang on the number of threads) never reach a pixel.
            change = (change * 4096).round() / 4096
            out = apply_full_size(source.pixels, change, effect_of(strength), source.plain)
        return to_image(out), time.perf_counter() - begun

    def _new_style(
        self, task: Task, weights: Weights, own: Tensor, donors: StyleDonors, style_of: StyleOf
    ) -> tuple[Tensor, str]:
        """Another picture's style, or a blend of two; the choice hangs on the variation's seed alone.

        Variations draw on the job's own pictures and on the bank in turn: the first keep the looks of the class, the
        others bring light that the job has none of.
        """
        import torch

        from augmentai.gan.network import unit_rms

        own_kind = donors.for_source(task.source)
        bank = range(len(weights.bank))
        turn, which = divmod(task.index - 1, 2)
        pool: list[Source | int] = [*bank] if bank and (which or len(own_kind) < FEW_DONORS) else [*own_kind]
        place = (turn if len(own_kind) >= FEW_DONORS else task.index - 1) + _NEXT_TRY * task.attempt
        order = seeded_order(len(pool), f"{task.recipe.seed}:{task.source.sha256}:donors")

        def lender(start: int) -> tuple[str, Tensor]:
            for step in range(len(order)):
                one = pool[order[(start + step) % len(order)]]
                if isinstance(one, int):
                    return f"bank {one}", weights.bank[one]
                style = style_of(one)
                # A picture that cannot be read lends nothing, nor does a twin of the source; the next one does.
                if style is not None and float((style * own[0]).mean()) < _TWIN:
                    return f"{one.path} {one.sha256[:12]}", style
            if len(weights.bank):
                choice = order[start % len(order)] % len(weights.bank)
                return f"bank {choice}", weights.bank[choice]
            return "none", own[0]

        first, second = lender(place), lender(place + len(pool) // 2)
        share = (task.seed % 1000) / 1000 * 0.4  # up to two fifths of a second donor: more looks than donors
        with torch.inference_mode():
            blended = unit_rms((1 - share) * first[1] + share * second[1])[None]
        named = first[0] if first[0] == second[0] else f"{first[0]} + {share:.2f} of {second[0]}"
        return blended, named

    def _style_of(self, source: Source, weights: Weights, job: JobView, device: str) -> Tensor | None:
        key = (weights.cache_key, source.sha256)
        if (known := self._known(key)) is not None:
            return known[0]
        try:
            photo = decode(source.read(), source.path, job.max_pixels)
            style: Tensor | None = self._encode(photo, weights, device)[2][0]
        except (ImageError, OSError):
            style = None  # it is reported as a source; as a donor it is just not there
        self._remember(key, style)
        return style

    def _known(self, key: tuple[str, str]) -> tuple[Tensor | None] | None:
        with self._lock:
            if key not in self._styles:
                return None
            self._styles.move_to_end(key)
            return (self._styles[key],)

    def _remember(self, key: tuple[str, str], style: Tensor | None) -> None:
        with self._lock:
            self._styles[key] = style
            while len(self._styles) > _STYLES_KEPT:
                self._styles.popitem(last=False)


@dataclass(frozen=True)
class _Prepared:
    """What all variations of a source share. seen: its thumbnail; content, style, painted: see `gan.network`;
    pixels: uint8 (3, H, W).
    """

    seen: Tensor
    content: Tensor
    style: Tensor
    painted: Tensor  # in its own style
    pixels: Tensor
    plain: Tensor  # of `gan.render.blurred_base`


def _enough(flight: Sequence[tuple[Task, str, Future[tuple[Any, float]]]]) -> bool:
    """One more than are at work, so that no painter waits for a file to be written; of large pictures fewer."""
    pixels = sum(task.photo.size_wh[0] * task.photo.size_wh[1] for task, *_ in flight)
    return len(flight) > _PAINTERS or (len(flight) > 1 and pixels > _PIXELS_AT_ONCE)


def _painters() -> ThreadPoolExecutor:
    """Threads that each do their torch work alone: two pictures at once take half the time, two threads on one do not.

    The number of threads is one of each thread; naming it first keeps the caller's. Torch counts the machine's cores.
    """
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))
    return ThreadPoolExecutor(_PAINTERS, "gan", initializer=torch.set_num_threads, initargs=(1,))


def _failed(error: Exception) -> str:
    return f"the local GAN failed on this picture ({(str(error).splitlines() or [type(error).__name__])[0][:200]})"


@lru_cache(maxsize=2)
def _sha256_of(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=2)
def _load_weights(path: Path, changed_ns: int, device: str) -> Weights:
    from augmentai.gan.weights_file import load

    return load(path, device)
