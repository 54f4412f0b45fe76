"""What the user asks for: one frozen, validated dataclass, whose fields are declared once for every front end.

Each field of `Recipe` is defined here completely: its type, kind, default, group, flags, help, and how
the page shows it. `fields` makes a table of that, and the command line, the API, the page and the docs are
generated from the table. To add a field, declare it here.
"""

# ruff: noqa: RUF009 (`setting` returns what `dataclasses.field` does)

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from augmentai import registry
from augmentai.recipe.kinds import (
    Choice,
    Fraction,
    Kind,
    Numbers,
    RecipeError,
    Registered,
    Switch,
    Text,
    WholeNumber,
)
from augmentai.recipe.prompt_words import PromptText
from augmentai.recipe.setting import setting
from augmentai.recipe.split_shares import SplitShares
from augmentai.recipe.steps import Steps, step_names
from augmentai.recipe.thresholds import Thresholds

AUTO = "auto"
MAX_VARIATIONS = 16
MAX_PROMPT_CHARS = 10_000
MAX_NAME_CHARS = 400
SEED_LIMIT = 2**32 - 2  # the largest seed that every engine accepts
MAX_RETRIES = 3
MAX_OPERATIONS = 16
MAX_PER_CLASS = 1_000_000
MAX_PER_SOURCE = 1000

OutputFormat = Literal["same", "png", "jpeg", "webp"]
Geometry = Literal["auto", "none", "flip", "light", "strong"]
Originals = Literal["auto", "copy", "link", "none"]
Splits = Literal["copy", "leave-out"]
Drift = Literal["reject", "mark"]
Repaint = Literal["all", "background", "objects"]

OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
GEOMETRIES: tuple[Geometry, ...] = get_args(Geometry)


def _can_be_written(dataset_format: Any) -> bool:
    return getattr(dataset_format, "writer", None) is not None


@dataclass(frozen=True)
class Recipe:
    """What the user asks for; every field has a default.

    Raises:
        RecipeError: a value is out of range, or two fields contradict each other.

    Example:
        >>> Recipe(variations=4, strength=0.5).geometry
        'auto'
        >>> Recipe(variations=40)
        Traceback (most recent call last):
        augmentai.recipe.kinds.RecipeError: variations is 40; expected a whole number from 1 to 16
    """

    prompt: str = setting(
        "",
        PromptText(MAX_PROMPT_CHARS),
        "what to make",
        "What variations should show, for engines that read a prompt; {label}, {weather}, {time}, {place} are filled "
        "in; bundled: @driving and more.",
        "--prompt",
        "-p",
        common=4,
        label="Prompt",
        info="For engines that read a prompt. {label} stands for the class name; {weather}, {time}, {place} and "
        "{colour: red | blue} for one of several words; one prompt per line. Bundled prompts: @driving, @retail, "
        "@aerial, @microscopy, @nature.",
        placeholder="a photo of a {label} at dusk",
    )
    negative_prompt: str = setting(
        "",
        PromptText(MAX_PROMPT_CHARS),
        "what to make",
        "What the variations should not show, for engines that read a prompt.",
        "--negative-prompt",
        label="Negative prompt",
        info="What the variations should not show.",
        placeholder="blurred, text",
    )
    strength: float | Literal["auto"] = setting(
        AUTO,
        Fraction((AUTO,)),
        "what to make",
        "0 = unchanged, 1 = the engine's maximum; auto: chosen from the dataset.",
        "--strength",
        "-s",
        common=2,
        page="main",
        label="Strength",
        info="0 = unchanged, 1 = maximum; 0.4 is safe for most datasets.",
        page_default=0.4,
    )
    variations: int = setting(
        1,
        WholeNumber(1, MAX_VARIATIONS),
        "what to make",
        "Variations per image.",
        "--variations",
        "-n",
        common=1,
        page="main",
        label="Variations per image",
        page_default=4,
    )
    engine: str = setting(
        AUTO,
        Registered("engines", {AUTO: "Best available"}),
        "engines",
        "auto: best available; none: operations alone.",
        "--engine",
        "-e",
        common=1,
        label="Engine",
    )
    seed: int = setting(
        0,
        WholeNumber(0, SEED_LIMIT),
        "what to make",
        "The same seed gives the same pixels; 0 = random seed (reported after the run).",
        "--seed",
        common=5,
        label="Seed",
        info="0 = random seed (reported after the run).",
    )
    output_format: OutputFormat = setting(
        "same",
        Choice(OutputFormat, ("Same as the source", "PNG", "JPEG", "WebP")),
        "output",
        "Image format of the variations.",
        "--format",
        "-f",
        common=2,
        label="Image format",
        info="PNG is lossless; JPEG and WebP are smaller.",
    )
    geometry: Geometry = setting(
        AUTO,
        Choice(
            Geometry,
            (
                "Automatic",
                "None",
                "Horizontal flip (50 %)",
                "Light: flip, crop, rotate",
                "Strong: plus perspective",
            ),
        ),
        "what to make",
        "Geometric augmentation; labels are transformed too. flip: half of the variations; light: flip, crop, rotate "
        "slightly; strong: also perspective; auto: flip in classification sets.",
        "--geometry",
        "-g",
        common=3,
        label="Geometric augmentation",
        info="Automatic: horizontal flip for half of the images in classification sets. Choose Light if your training "
        "does not crop. Boxes and masks are transformed too.",
    )
    mirror: bool = setting(
        True,
        Switch(),
        "what to make",
        "Allow horizontal flips; turn off where left and right matter.",
        "--flip/--no-flip",
        label="Allow horizontal flip",
        info="Turn off for text, road signs or hands.",
    )
    least_visible: float = setting(
        0.3,
        Fraction(),
        "dataset",
        "Minimum visible fraction of an object after geometric augmentation; labels below it are removed.",
        "--least-visible",
        api=False,
        page="",
    )
    layout: str = setting(
        AUTO,
        Registered("formats", {AUTO: "Auto-detect"}),
        "dataset",
        "Dataset format of the input; auto detects it, folders ignores label files.",
        "--layout",
        page="dataset",
        label="Dataset format",
        info="Override if detection is wrong.",
    )
    to: str = setting(
        "same",
        Registered("formats", {"same": "Same as input"}, has=_can_be_written),
        "output",
        "Dataset format of the output; another one than the input's converts the whole set.",
        "--to",
        common=3,
        page="dataset",
        label="Output format",
        info="Another format converts the whole set.",
    )
    originals: Originals = setting(
        AUTO,
        Choice(Originals, ("Automatic (datasets only)", "Always", "Link", "Never"), local=("link",)),
        "output",
        "Whether the output includes the originals; auto: those of a dataset, but not loose photos.",
        "--originals",
        page="dataset",
        label="Originals in the ZIP",
        info="Include the originals with their variations.",
    )
    splits: Splits = setting(
        "copy",
        Choice(Splits, ("Copy unchanged", "Exclude")),
        "dataset",
        "Copy or exclude validation and test images, which are never augmented.",
        "--splits",
        page="dataset",
        label="Validation and test images",
        info="They are never augmented.",
    )
    filters: bool = setting(
        True,
        Switch(),
        "filters",
        "Reject and retry near-copies, flat, blurred and duplicate variations and those whose labels drifted.",
        "--filters/--no-filters",
        label="Retry low-quality variations",
        info="Near-copies of the source or of each other, flat and blurred ones.",
    )
    thresholds: Thresholds = setting(
        Thresholds,
        Numbers(Thresholds, "threshold"),
        "filters",
        "Thresholds of the filters; 0 switches one off.",
        "--threshold",
        api=False,
        page="",
    )
    retries: int = setting(
        MAX_RETRIES,
        WholeNumber(0, MAX_RETRIES),
        "filters",
        "Retries per rejected image.",
        "--retries",
        api=False,
        page="",
    )
    paid_retries: bool = setting(
        False,
        Switch(),
        "engines",
        "Also retry rejected images that cost credits.",
        "--paid-retries",
        api=False,
        page="",
    )
    drift: Drift = setting(
        "reject",
        Choice(Drift, ("Reject", "Mark")),
        "filters",
        "If an engine has painted over a labelled object: reject the variation, or only mark it in the manifest.",
        "--drift",
        api=False,
        page="",
    )
    per_class: int = setting(
        0,
        WholeNumber(0, MAX_PER_CLASS),
        "dataset",
        "Grow each class to this many images, originals included, instead of a fixed number per image; 0 = off.",
        "--per-class",
        page="dataset",
        label="Images per class",
        info="Including originals. Classes are never downsampled.",
        page_default=100,
    )
    balance: bool = setting(
        False,
        Switch(),
        "dataset",
        "Grow all classes to the size of the largest.",
        "--balance",
        common=1,
        page="dataset",
        label="Class balancing",
        info=f"Small classes get more variations, at most {MAX_VARIATIONS} per image.",
    )
    most_per_source: int = setting(
        MAX_VARIATIONS,
        WholeNumber(1, MAX_PER_SOURCE),
        "dataset",
        "Maximum variations per image with per-class targets or balancing.",
        "--most-per-source",
        api=False,
        page="",
    )

    operations: Sequence[Any] = setting(
        (),
        Steps("operations", MAX_OPERATIONS, "bundles"),
        "what to make",
        "Operations that are applied after the geometric augmentation, in this order; labels are transformed too.",
        "--operation",
        "-O",
        label="Operations",
        info="Applied after the geometric augmentation, in this order; parameters may be added: crop(scale=0.5..1).",
    )
    make_split: str = setting(
        "",
        SplitShares(),
        "dataset",
        "Split a set that has no split, by class: training, validation and test images; 90/10: no test images. "
        "Only training images are augmented.",
        "--make-split",
        common=2,
        page="dataset",
        label="Make a split",
        info="Shares for training, validation and test, if the set has no split. Empty for none.",
        placeholder="80/10/10",
    )
    repaint: Repaint = setting(
        "all",
        Choice(Repaint, ("The whole image", "The background: objects stay exact", "The objects: all else stays exact")),
        "what to make",
        "What engines that repaint may paint anew: all; background: everything but the labelled objects, whose pixels "
        "stay as they are; objects: nothing but these.",
        "--repaint",
        label="Repaint",
        info="For engines that repaint. Background: labelled objects keep their own pixels, so labels stay exact; in "
        "class folders the subject does.",
    )
    filter_backbone: str = setting(
        "efficientnet-lite0",
        Text(MAX_NAME_CHARS),
        "filters",
        "The network by which filters compare what repainted images show: efficientnet-lite0, which is part of "
        "AugmentAI, or a vision model of the Hugging Face Hub, such as openai/clip-vit-base-patch32.",
        "--filter-backbone",
        api=False,
        page="",
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            kind: Kind = one.metadata["setting"].kind
            object.__setattr__(self, one.name, kind.check(one.name, getattr(self, one.name)))
        if self.per_class and self.balance:
            raise RecipeError("per_class and balance are both set; use per_class for a number, balance for the largest")
        if self.geometry == "flip" and not self.mirror:
            raise RecipeError("geometry is flip and mirror is False, which leaves nothing to do; use none or light")
        if not self.mirror and (mirroring := [name for name in step_names(self.operations) if _mirrors(name)]):
            named = ", ".join(mirroring)
            raise RecipeError(f"operations has {named} and mirror is False, which leaves nothing to do; remove {named}")

    def strength_or(self, best: float) -> float:
        """The strength as a number; `best` is the engine's own choice, used for "auto"."""
        return best if isinstance(self.strength, str) else self.strength

    def with_seed(self) -> Recipe:
        """The same recipe with a seed other than 0, drawn at random if none was asked for."""
        return self if self.seed else replace(self, seed=1 + secrets.randbelow(SEED_LIMIT))


def _mirrors(operation: str) -> bool:
    return bool(registry.find("operations", operation).mirrors)


_ATTRIBUTES = "\n".join(f"        {one.name}: {one.metadata['setting'].help}" for one in fields(Recipe))
Recipe.__doc__ = f"{Recipe.__doc__}\n    Attributes:\n{_ATTRIBUTES}\n    "
