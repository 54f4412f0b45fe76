"""The calls of the hosted API, as its own document of September 2026 has them. Written apart from the client's list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

MAX_BODY_BYTES = 10 * 1024 * 1024
MP9 = 9_437_184

ASPECTS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
PRESETS = (
    "enhance anime photographic digital-art comic-book fantasy-art line-art analog-film neon-punk isometric low-poly "
    "origami modeling-compound cinematic 3d-model pixel-art tile-texture"
)
SD3 = {"sd3.5-large": 6.5, "sd3.5-large-turbo": 4.0, "sd3.5-medium": 3.5, "sd3.5-flash": 2.5}


@dataclass(frozen=True)
class Route:
    """credits: a number, or by model. size: what comes back: "mp" (about a megapixel), "same", "x4" or "text"."""

    credits: float | dict[str, float]
    size: str = "same"
    images: tuple[str, ...] = ("image",)
    optional_images: tuple[str, ...] = ()
    required: tuple[str, ...] = ("prompt",)
    numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pixels: tuple[int, int] = (4096, MP9)
    sides: tuple[int, int] = (64, 1 << 30)
    aspect: float | None = None
    is_async: bool = False


_STRENGTH = {"strength": (0.0, 1.0)}
_AR = {"aspect_ratio": ASPECTS}
_GROW = {"grow_mask": (0.0, 20.0)}

ROUTES = {
    "generate/ultra": Route(
        8, "mp", (), ("image",), numbers=_STRENGTH, choices=_AR, sides=(64, 16_384), pixels=(4096, 1 << 40)
    ),
    "generate/core": Route(3, "text", (), choices=_AR),
    "generate/sd3": Route(
        SD3,
        "mp",
        (),
        ("image",),
        numbers=_STRENGTH | {"cfg_scale": (1.0, 10.0)},
        choices=_AR | {"mode": ("text-to-image", "image-to-image"), "model": tuple(SD3)},
        pixels=(0, 1 << 40),
    ),
    "control/sketch": Route(5, numbers={"control_strength": (0, 1)}, aspect=2.5),
    "control/structure": Route(5, numbers={"control_strength": (0, 1)}, aspect=2.5),
    "control/style": Route(5, "mp", numbers={"fidelity": (0, 1)}, choices=_AR, aspect=2.5),
    "control/style-transfer": Route(
        8,
        "mp",
        ("init_image", "style_image"),
        required=(),
        numbers={"style_strength": (0, 1), "composition_fidelity": (0, 1), "change_strength": (0.1, 1)},
        sides=(64, 16_383),
        aspect=2.5,
    ),
    "edit/inpaint": Route(5, optional_images=("mask",), numbers={"grow_mask": (0, 100)}),
    "edit/erase": Route(5, optional_images=("mask",), required=(), numbers=_GROW),
    "edit/outpaint": Route(
        4,
        required=(),
        numbers=dict.fromkeys(("left", "right", "up", "down"), (0.0, 2000.0)) | {"creativity": (0, 1)},
        aspect=2.5,
    ),
    "edit/search-and-replace": Route(5, required=("prompt", "search_prompt"), numbers=_GROW, aspect=2.5),
    "edit/search-and-recolor": Route(5, required=("prompt", "select_prompt"), numbers=_GROW, aspect=2.5),
    "edit/remove-background": Route(
        5, required=(), choices={"output_format": ("png", "webp")}, pixels=(4096, 4_194_304)
    ),
    "edit/replace-background-and-relight": Route(
        8,
        images=("subject_image",),
        required=("background_prompt",),  # or a background_reference, which nobody here sends
        numbers={"preserve_original_subject": (0, 1), "original_background_depth": (0, 1)},
        aspect=2.5,
        is_async=True,
        pixels=(4096, MP9),
    ),
    "upscale/fast": Route(2, "x4", required=(), sides=(32, 1536), pixels=(1024, 1_048_576)),
    "upscale/conservative": Route(40, numbers={"creativity": (0.2, 0.5)}, aspect=2.5),
    "upscale/creative": Route(60, numbers={"creativity": (0.1, 0.5)}, pixels=(4096, 1_048_576), is_async=True),
}

SAID = {
    "type": "content-type: must be multipart/form-data",
    "no type": "content-type: required",
    "key": "authorization: invalid or missing header value",
    "credits": "You lack sufficient credits to make this request. Please purchase more credits at "
    "https://platform.stability.ai/account/credits and try again.",
    "moderation": "Your request was flagged by our content moderation system, as a result your request was denied and "
    "you were not charged.",
    "size": "body: payloads cannot be larger than 10MiB in size",
    "language": "English is the only supported language for this service.",
    "figure": "Our system detected the likeness of a public figure in your image. To comply with our guidelines, this "
    "request cannot be processed. Please upload a different image.",
    "rate": "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for "
    "60 seconds.",
    "500": "An unexpected server error has occurred, please try again later.",
    "result": "id: the generation either does not exist or has expired.",
    "balance": "Your organization does not have enough balance to request this action (need $0.009, have $0 in active "
    "grants, $0 in balance).",
}


def price(route: Route, fields: dict[str, str]) -> float:
    if isinstance(route.credits, dict):
        return route.credits[fields.get("model", "sd3.5-large")]
    return route.credits


def check(
    name: str,
    route: Route,
    fields: dict[str, str],
    sizes: dict[str, tuple[int, int] | None],
    transparent: Collection[str] = (),
) -> list[str]:
    """Every complaint, as `field: message`. sizes: of each image sent, None if it cannot be read. transparent: the
    images that have an alpha channel."""
    wrong = [f"{required}: required" for required in route.required if not fields.get(required)]
    if len(fields.get("prompt", "")) > 10_000:
        wrong.append("prompt: must be at most 10000 characters")
    if len(fields.get("negative_prompt", "")) > 10_000:
        wrong.append("negative_prompt: must be at most 10000 characters")
    numbers = {"seed": (0.0, 4_294_967_294.0)} | route.numbers
    choices = {"output_format": ("png", "jpeg", "webp"), "style_preset": tuple(PRESETS.split())} | route.choices
    for field_name, (low, high) in numbers.items():
        if field_name in fields:
            wrong += _number(field_name, fields[field_name], low, high)
    for field_name, words in choices.items():
        if field_name in fields and fields[field_name] not in words:
            expected = " | ".join(f"'{word}'" for word in words)
            wrong.append(f"{field_name}: invalid enum value. Expected {expected}")
    needed = list(route.images)
    if name == "generate/sd3":
        to_image = fields.get("mode") == "image-to-image"
        if to_image:
            needed.append("image")
            if "strength" not in fields:
                wrong.append("strength: required")
            if "aspect_ratio" in fields:
                wrong.append("aspect_ratio: only valid for text-to-image requests")
        elif "image" in sizes:
            wrong.append("image: only valid for image-to-image requests")
    if name == "generate/ultra" and "image" in sizes and "strength" not in fields:
        wrong.append("strength: required")
    if name == "edit/inpaint" and sizes.get("image") and "mask" not in sizes and "image" not in transparent:
        wrong.append("mask: required, since the image has no transparency")
    if name == "edit/outpaint" and not any(float(fields.get(s) or 0) for s in ("left", "right", "up", "down")):
        wrong.append("left: at least one of left, right, up, down must be non-zero")
    wrong += [f"{image}: required" for image in needed if image not in sizes]
    for image, size in sizes.items():
        if image in (*route.images, *route.optional_images):
            wrong += _image_fault(image, size, route)
    return wrong


def _number(name: str, text: str, low: float, high: float) -> list[str]:
    try:
        number = float(text)
    except ValueError:
        return [f"{name}: must be a number"]
    return [] if low <= number <= high else [f"{name}: must be between {low:g} and {high:g}"]


def _image_fault(name: str, size: tuple[int, int] | None, route: Route) -> list[str]:
    if size is None:
        return [f"{name}: invalid image"]
    width, height = size
    total = width * height
    if min(size) < route.sides[0] or max(size) > route.sides[1]:
        return [f"{name}: unsupported dimensions - each side must be {route.sides[0]} to {route.sides[1]} pixels"]
    if total < route.pixels[0]:
        return [
            f"{name}: unsupported dimensions - must be at least {route.pixels[0]:,} pixels, received {total:,} pixels"
        ]
    if total > route.pixels[1]:
        return [
            f"{name}: unsupported dimensions - must be at most {route.pixels[1]:,} pixels, received {total:,} pixels"
        ]
    if route.aspect and not 1 / route.aspect <= width / height <= route.aspect:
        return [f"{name}: unsupported dimensions - aspect ratio must be between 1:2.5 and 2.5:1"]
    return []
