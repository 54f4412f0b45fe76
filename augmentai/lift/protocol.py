"""The measurement: for each classic recipe, accuracy with and without the variations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from torch import Tensor

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.gan import GanEngine
from augmentai.images import decode
from augmentai.lift.classifier import accuracy, trained
from augmentai.lift.data import LabelledSet, LiftError, small
from augmentai.lift.policies import POLICIES, policy
from augmentai.lift.shift import shifted
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source

WITHOUT = "without"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured. shots: training pictures a class; steps: batches of 64, the same for every recipe."""

    shots: int = 10
    seed: int = 1
    steps: int = 600
    policies: Sequence[str] = POLICIES
    device: str = "cpu"


@dataclass(frozen=True)
class Row:
    """One classifier: accuracies in percent. made_with: "without", or the name of the recipe that made variations."""

    set: str
    shots: int
    seed: int
    policy: str
    made_with: str
    clean: float
    shifted: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def measure(
    data: LabelledSet,
    plan: Plan,
    recipes: dict[str, Recipe] | None = None,
    settings: Settings | None = None,
    tell: Progress = lambda words: None,
) -> list[Row]:
    """Train one classifier for each classic recipe, without variations and with those of each of `recipes`.

    recipes: name -> what makes the variations, by default eight of each source by the local GAN. Only the training
    pictures are varied; the test pictures are never seen. Raises LiftError where no variation could be made.
    """
    recipes = {"GAN": Recipe(engine="gan", variations=8, seed=plan.seed)} if recipes is None else recipes
    sources = data.shots(plan.shots, plan.seed)
    pictures, labels = data.pixels(sources)
    test, wanted = (tensor.to(plan.device) for tensor in data.pixels(data.test))
    hard = shifted(test.cpu(), seed=20_000 + plan.seed).to(plan.device)
    pools = {WITHOUT: pictures[:, None]}
    for name, recipe in recipes.items():
        tell(f"{data.name}: {recipe.variations} variations of {len(sources)} pictures, {name}")
        pools[name] = versions(sources, pictures, recipe, settings or Settings())
    rows = []
    for classic in plan.policies:
        for made_with, pool in pools.items():
            tell(f"{data.name}, {plan.shots} a class, seed {plan.seed}: {classic}, {made_with}")
            batches = policy(classic)
            model = trained(
                pool.to(plan.device), labels.to(plan.device), len(data.classes), batches, plan.steps, plan.seed
            )
            scores = accuracy(model, test, wanted), accuracy(model, hard, wanted)
            rows.append(Row(data.name, plan.shots, plan.seed, classic, made_with, *(round(s, 2) for s in scores)))
    return rows


def versions(sources: Sequence[Source], pictures: Tensor, recipe: Recipe, settings: Settings) -> Tensor:
    """The sources and their variations as the classifier sees them: uint8 (N, 1 + variations, 3, 64, 64).

    Where a variation could not be made the source stands in its place.
    """
    count = recipe.variations
    out = pictures[:, None].repeat(1, 1 + count, 1, 1, 1)
    place = {(source.path, source.sha256): number for number, source in enumerate(sources)}
    job = Job(Gathered(tuple(sources), (), ()), recipe, settings, [GanEngine(settings)])
    made = 0
    for outcome in job.run():
        if outcome.variation is not None:
            picture = small(decode(outcome.variation.data, outcome.variation.file, settings.max_pixels).rgb)
            out[place[outcome.source.path, outcome.source.sha256], outcome.index] = picture
            made += 1
    if not made:
        raise LiftError("no variation could be made; see `augmentai examples -o OUT` for the reason")
    return out
