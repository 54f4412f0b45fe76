"""The endpoints of Stability's hosted API that this engine uses, as data.

Source: Stability's OpenAPI document (version v2beta, September 2026). The service ignores fields it does not know and
charges all the same, so nothing but what is listed here is ever sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from augmentai.engines.canvas import Canvas
from augmentai.settings import Settings

MAX_BODY_BYTES = 10 * 1024 * 1024  # of the whole request: image, fields and the multipart lines
_ROOM_FOR_FIELDS_BYTES = 128 * 1024  # two prompts of 10,000 characters of four bytes each, and the multipart lines
_ROOM_FOR_A_MASK_BYTES = 1024 * 1024
_MAX_FILE_BYTES = MAX_BODY_BYTES - _ROOM_FOR_FIELDS_BYTES
_OF_ITS_OWN_SIZE = Canvas(max_bytes=_MAX_FILE_BYTES)
MAX_REQUESTS = 150  # in WINDOW_SECONDS; the service locks out clients that send more
WINDOW_SECONDS = 10.0
MAX_SEED = 4_294_967_294

STYLE_PRESETS = (
    "enhance",
    "anime",
    "photographic",
    "digital-art",
    "comic-book",
    "fantasy-art",
    "line-art",
    "analog-film",
    "neon-punk",
    "isometric",
    "low-poly",
    "origami",
    "modeling-compound",
    "cinematic",
    "3d-model",
    "pixel-art",
    "tile-texture",
)


class FieldError(ValueError):
    """A field or a value that the service would ignore or reject; the message says what is allowed."""


@dataclass(frozen=True)
class Number:
    """A numeric field and its range, both ends included."""

    low: float
    high: float

    def check(self, name: str, value: object) -> str:
        try:
            number = float(str(value))
        except ValueError:
            number = float("nan")
        if not self.low <= number <= self.high:
            raise FieldError(f"{name} is {value!r}; expected a number from {self.low:g} to {self.high:g}")
        return f"{number:.10g}"


@dataclass(frozen=True)
class Choice:
    """A field with a fixed set of values."""

    values: tuple[str, ...]

    def check(self, name: str, value: object) -> str:
        if value not in self.values:
            raise FieldError(f"{name} is {value!r}; expected one of {', '.join(self.values)}")
        return str(value)


@dataclass(frozen=True)
class Text:
    """A field of free text."""

    max_chars: int = 10_000

    def check(self, name: str, value: object) -> str:
        text = str(value)
        if len(text) > self.max_chars:
            raise FieldError(f"{name} has {len(text):,} characters; at most {self.max_chars:,} are allowed")
        return text


Rule = Number | Choice | Text


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes:
        name: what the settings call it.
        path: below the base address.
        fields: those it knows, apart from the image.
        credits: list price of an image, by model.
        strength_field: where the recipe's strength goes; "" if it has no such field.
        strength_is_inverse: 1 means "like the input" there.
        fixed: what every request contains.
        canvas: what it accepts of an image, beside the other files of its request.
        mask_field: where the mask goes of what it is to paint anew, white on black; "" if it paints the whole image.
        image_field, prompt_field: where image and prompt go.
        needs_prompt: it rejects a request without one.
        style_field: where another image goes that lends its style; "" if none does.
        classes_only: it moves or removes what is labelled, so that it is for images of classes alone.
        least_strength: below it the field of the strength is not accepted.
        is_async: it answers with the number of a generation, whose image is fetched later.
    """

    name: str
    path: str
    fields: Mapping[str, Rule]
    credits: Mapping[str, float]
    strength_field: str
    strength_is_inverse: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)
    canvas: Canvas = _OF_ITS_OWN_SIZE
    mask_field: str = ""
    image_field: str = "image"
    prompt_field: str = "prompt"
    needs_prompt: bool = True
    style_field: str = ""
    classes_only: bool = False
    least_strength: float = 0.0
    is_async: bool = False

    def form(self, wanted: Mapping[str, object]) -> dict[str, str]:
        """The form of one request: `fixed`, and all of `wanted` that is not empty. Raises FieldError."""
        sent = dict(self.fixed)
        for name, value in wanted.items():
            if name not in self.fields:
                known = ", ".join(sorted(self.fields))
                raise FieldError(f"{name} is not a field of {self.name}; it knows {known}")
            if value is not None and value != "":
                sent[name] = self.fields[name].check(name, value)
        return sent

    def strength(self, wanted: float) -> dict[str, object]:
        """The recipe's strength (0 keeps the source, 1 is the maximum) as this endpoint's field."""
        if not self.strength_field:
            return {}
        wanted = max(wanted, self.least_strength)
        return {self.strength_field: round(1 - wanted if self.strength_is_inverse else wanted, 4)}


_COMMON: dict[str, Rule] = {
    "prompt": Text(),
    "negative_prompt": Text(),
    "seed": Number(0, MAX_SEED),
    "output_format": Choice(("png", "jpeg", "webp")),
    "style_preset": Choice(STYLE_PRESETS),
}

# Of endpoints that accept a style preset and do not apply it.
_UNSTYLED = {name: rule for name, rule in _COMMON.items() if name != "style_preset"}

SD3_MODELS = {"sd3.5-large": 6.5, "sd3.5-large-turbo": 4.0, "sd3.5-medium": 3.5, "sd3.5-flash": 2.5}
NO_NEGATIVE_PROMPT = frozenset({"sd3.5-flash"})  # which the service left out of its own examples for it in August 2025
# Retired names are still served, as their 3.5 successors and at that price; the new name is sent in case that ends.
_RETIRED = {"sd3-large": "sd3.5-large", "sd3-large-turbo": "sd3.5-large-turbo", "sd3-medium": "sd3.5-medium"}

ENDPOINTS = {
    "sd3": Endpoint(
        name="sd3",
        path="/v2beta/stable-image/generate/sd3",
        fields=_COMMON
        | {"model": Choice(tuple(SD3_MODELS)), "strength": Number(0, 1), "cfg_scale": Number(1, 10), "mode": Text()},
        credits=SD3_MODELS,
        strength_field="strength",
        fixed={"mode": "image-to-image"},
        canvas=Canvas(pixels=1024 * 1024, max_bytes=_MAX_FILE_BYTES),
    ),
    "ultra": Endpoint(
        name="ultra",
        path="/v2beta/stable-image/generate/ultra",
        fields=_COMMON | {"strength": Number(0, 1)},
        credits={"ultra": 8.0},
        strength_field="strength",
        canvas=Canvas(pixels=1024 * 1024, max_bytes=_MAX_FILE_BYTES),
    ),
    "structure": Endpoint(
        name="structure",
        path="/v2beta/stable-image/control/structure",
        fields=_UNSTYLED | {"control_strength": Number(0, 1)},
        credits={"structure": 5.0},
        strength_field="control_strength",
        strength_is_inverse=True,
    ),
    "style-transfer": Endpoint(
        name="style-transfer",
        path="/v2beta/stable-image/control/style-transfer",
        fields=_UNSTYLED
        | {"style_strength": Number(0, 1), "composition_fidelity": Number(0, 1), "change_strength": Number(0.1, 1)},
        credits={"style-transfer": 8.0},
        strength_field="change_strength",
        least_strength=0.1,
        canvas=Canvas(max_side_px=16_383, pixels=1024 * 1024, max_bytes=_MAX_FILE_BYTES // 2),
        image_field="init_image",
        needs_prompt=False,
        style_field="style_image",
        classes_only=True,
    ),
    "relight": Endpoint(
        name="relight",
        path="/v2beta/stable-image/edit/replace-background-and-relight",
        fields={name: rule for name, rule in _UNSTYLED.items() if name != "prompt"}
        | {
            "background_prompt": Text(),
            "foreground_prompt": Text(),
            "preserve_original_subject": Number(0, 1),
            "original_background_depth": Number(0, 1),
            "light_source_direction": Choice(("left", "right", "above", "below")),
            "light_source_strength": Number(0, 1),
        },
        credits={"relight": 8.0},
        strength_field="",
        fixed={"preserve_original_subject": "1"},
        canvas=Canvas(max_side_px=1 << 30, max_bytes=_MAX_FILE_BYTES),
        image_field="subject_image",
        prompt_field="background_prompt",
        classes_only=True,
        is_async=True,
    ),
}
# What paints a part of an image. By itself the service would grow the mask by 5 pixels, into what is to stay.
INPAINT = Endpoint(
    name="inpaint",
    path="/v2beta/stable-image/edit/inpaint",
    fields=_COMMON | {"grow_mask": Number(0, 100)},
    credits={"inpaint": 5.0},
    strength_field="",
    fixed={"grow_mask": "0"},
    canvas=Canvas(max_side_px=1 << 30, max_aspect=math.inf, max_bytes=_MAX_FILE_BYTES - _ROOM_FOR_A_MASK_BYTES),
    mask_field="mask",
)


@dataclass(frozen=True)
class RequestPlan:
    """What the settings ask for: endpoint, model, price of an image in credits, and extra fields."""

    endpoint: Endpoint
    model: str
    credits: float
    extra: Mapping[str, object]


def request_plan(settings: Settings, in_part: bool = False) -> RequestPlan:
    """What the settings ask for.

    Args:
        settings: which endpoint and model, and extra fields.
        in_part: a part of each image is repainted, which another endpoint does; it is sent those of the extra fields
            that it knows.

    Raises:
        FieldError: the service would not understand it.
    """
    endpoint = ENDPOINTS[settings.stability_endpoint]
    extra = dict(settings.stability_fields)
    own_fields = ("prompt", "negative_prompt", "seed", "mode", "model", "output_format")
    for own in (*own_fields, endpoint.prompt_field, *filter(None, [endpoint.strength_field])):
        if own in extra:
            raise FieldError(f"AUGMENTAI_STABILITY_FIELDS may not set {own}: the recipe or another setting does")
    try:
        endpoint.form(extra)
    except FieldError as error:
        raise FieldError(f"AUGMENTAI_STABILITY_FIELDS: {error}") from None
    if in_part:
        endpoint, extra = INPAINT, {name: value for name, value in extra.items() if name in INPAINT.fields}
    if "model" not in endpoint.fields:
        model = next(iter(endpoint.credits))
    else:
        model = _RETIRED.get(settings.stability_model, settings.stability_model)
        if model not in endpoint.credits:
            known = ", ".join(endpoint.credits)
            raise FieldError(f"STABILITY_MODEL is {settings.stability_model!r}; expected one of {known}")
        extra["model"] = model
    known_prices = {*_RETIRED, *(name for each in (*ENDPOINTS.values(), INPAINT) for name in each.credits)}
    if strange := sorted(set(settings.stability_prices) - known_prices):
        raise FieldError(
            f"AUGMENTAI_STABILITY_PRICES names {strange[0]!r}; it may name {', '.join(sorted(known_prices))}"
        )
    return RequestPlan(endpoint, model, settings.stability_prices.get(model, endpoint.credits[model]), extra)
