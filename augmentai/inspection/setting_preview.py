"""What settings would make of one image: its variations, other strengths, and each operation alone.

Works on the small copies of `reduced_set` with the stages of a run, from the seeds that a run would use.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from augmentai.annotations import Labels
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.base import Engine
from augmentai.inspection.reduced_set import Picture, ReducedSet
from augmentai.operations import DrawSettings, Operation, apply_operations, build_operations
from augmentai.operations.borrowing import borrows_from_others
from augmentai.pipeline.paint import paint
from augmentai.pipeline.plan import plan_run
from augmentai.pipeline.prefetch import make_tasks
from augmentai.pipeline.run_state import Decoded, Draft, RunState, failure_reason
from augmentai.pipeline.transform import transform
from augmentai.recipe import AUTO, Recipe
from augmentai.types import variation_seed

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 5  # variations that are shown
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_OPERATIONS = 11
_AT_ONCE = 2
PREVIEW_SEED = 1  # if the recipe leaves it to the run
_MOST_PIXELS = 1 << 20  # of what lenders lend, which is small


@dataclass(frozen=True)
class Previewed:
    """One image of a preview.

    Attributes:
        title: what it shows, in words.
        image: None if it could not be made.
        labels: in its pixels; None if there are none.
        note: what else to say of it, or why there is no image.
    """

    title: str
    image: Image | None = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    note: str = ""


class SettingPreview:
    """Previews of settings on one set by one engine. Not thread-safe.

    Args:
        reduced: the set.
        engine: one of its own: what it remembers of the small copies must reach no run.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> from augmentai.engines.none import NoEngine
        >>> from augmentai.inspection.reduced_set import reduce_set
        >>> from augmentai.settings import Settings
        >>> from augmentai.types import Source
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (64, 48), "teal").save(buffer, "PNG")
        >>> reduced = reduce_set(Gathered((Source.from_bytes("a.png", buffer.getvalue()),), (), ()), 10**6)
        >>> preview = SettingPreview(reduced, NoEngine(Settings()))
        >>> recipe = Recipe(engine="none", operations=["noise"], variations=2)
        >>> [one.title for one in preview.variations(reduced.pictures[0], recipe)]
        ['Variation 1', 'Variation 2']
    """

    def __init__(self, reduced: ReducedSet, engine: Engine) -> None:
        self.reduced, self.engine = reduced, engine
        self._auto: float | None = None

    def strength(self, picture: Picture, recipe: Recipe) -> float:
        """The strength that a run would use: the recipe's, or the one that the engine chooses for this set."""
        if recipe.strength == AUTO and self._auto is None:
            for made in self._drafts(picture, recipe, 1):
                if isinstance(made, Draft):
                    self._auto = made.made.strength_used
        return recipe.strength_or(self.engine.auto_strength if self._auto is None else self._auto)

    def variations(self, picture: Picture, recipe: Recipe) -> list[Previewed]:
        """The first variations that a run would make.

        Raises:
            RecipeError: nothing would change.
        """
        count = MOST if recipe.balance or recipe.per_class else min(MOST, recipe.variations)
        recipe = replace(recipe, strength=self.strength(picture, recipe))
        made = self._drafts(picture, recipe, count)
        return [_previewed(f"Variation {number}", one) for number, one in enumerate(made, 1)]

    def strengths(self, picture: Picture, recipe: Recipe) -> list[Previewed]:
        """The first variation at several strengths, the one in use among them. Raises RecipeError."""

        def at(strength: float) -> list[Previewed]:
            made = self._drafts(picture, replace(recipe, strength=strength), 1)
            return [_previewed(f"Strength {strength:g}", one) for one in made]

        with ThreadPoolExecutor(_AT_ONCE, "preview") as pool:  # an engine paints one image of a call on one core
            return [one for found in pool.map(at, strengths_around(self.strength(picture, recipe))) for one in found]

    def _drafts(self, picture: Picture, recipe: Recipe, count: int) -> Iterator[Draft | str]:
        """The first variations of a picture; of those that cannot be made, why not."""
        assert picture.photo is not None
        recipe = replace(
            recipe,
            seed=recipe.seed or PREVIEW_SEED,
            engine=self.engine.name,
            variations=count,
            operations=[one.as_step() for one in own_operations(recipe)],
            to="same",
            make_split="",
            balance=False,
            per_class=0,
        )
        gathered = Gathered(self.reduced.sources, (), ())
        plan = plan_run(gathered, recipe, [self.engine], traits=self.reduced.traits)
        output = OutputSet(Gathered((picture.source,), (), ()), recipe)
        state = RunState(plan, output, [self.engine], _MOST_PIXELS)
        decoded = Decoded(picture.source, picture.photo, picture.labels)
        try:
            found = list(transform(paint(make_tasks(iter([decoded]), state), state), state))
        finally:
            state.close()
        by_index = {(one.made.task.index if isinstance(one, Draft) else one.index): one for one in found}
        for index in sorted(by_index):
            one = by_index[index]
            yield one if isinstance(one, Draft) else one.reason


def strengths_around(strength: float) -> list[float]:
    """Five strengths, of which one is this.

    Example:
        >>> strengths_around(0.9)
        [0.2, 0.4, 0.6, 0.9, 1.0]
    """
    nearest = min(STRENGTHS, key=lambda one: (round(abs(one - strength), 9), one == STRENGTHS[-1]))
    return [strength if one == nearest else one for one in STRENGTHS]


def operations_alone(picture: Picture, recipe: Recipe) -> list[Previewed]:
    """Each operation of a recipe alone on a picture as it is, whatever its probability.

    Args:
        picture: one that can be read.
        recipe: those of its operations that need other images are left out.

    Example:
        >>> from PIL import Image
        >>> from augmentai.images import Photo
        >>> from augmentai.types import Source
        >>> picture = Picture(Source.from_bytes("a.png", b""), Photo(Image.new("RGB", (64, 48)), "PNG", "RGB"))
        >>> [one.title for one in operations_alone(picture, Recipe(operations=["noise", "mosaic", "flip"]))]
        ['Sensor noise', 'Horizontal flip']
    """
    assert picture.photo is not None
    image = picture.photo.restore(picture.photo.rgb)
    seed = variation_seed(recipe.seed or PREVIEW_SEED, picture.source.sha256, 1)
    settings = DrawSettings(recipe.mirror, recipe.least_visible)
    shown = []
    for operation in own_operations(recipe)[:_MOST_OPERATIONS]:
        title, always = operation.title or operation.name, replace(operation, probability=1.0)
        try:
            applied = apply_operations(image, picture.labels, [always], seed, settings)
        except Exception as error:
            shown.append(Previewed(title, None, note=failure_reason(error)))
            continue
        note = applied.notices[0] if applied.notices else "" if applied.details else "changes nothing here"
        shown.append(Previewed(title, applied.image, applied.labels, note))
    return shown


def own_operations(recipe: Recipe) -> list[Operation]:
    """A recipe's operations that a preview applies: those that need no other image.

    Example:
        >>> [one.name for one in own_operations(Recipe(operations=["mosaic", "crop"]))]
        ['crop']
    """
    return [one for one in build_operations(recipe.operations) if not borrows_from_others(one)]


def other_operations(recipe: Recipe) -> list[Operation]:
    """Those that it leaves out."""
    return [one for one in build_operations(recipe.operations) if borrows_from_others(one)]


def _previewed(title: str, made: Draft | str) -> Previewed:
    if isinstance(made, str):
        return Previewed(title, None, note=made)
    return Previewed(title, made.image, made.labels, "; ".join(made.notices))
