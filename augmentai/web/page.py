"""The Blocks page and the API endpoint: layout and wiring. What they do is in `doors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from augmentai.engines.base import Engine
from augmentai.recipe import ENGINES, GEOMETRIES, MAX_VARIATIONS, OUTPUT_FORMATS
from augmentai.settings import EXAMPLES, Settings
from augmentai.web import texts
from augmentai.web.doors import Doors

_FORMAT_NAMES = {"same": "Same as source", "png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
_GEOMETRY_NAMES = {
    "none": "None: nothing moves",
    "flip": "Flip: half of them mirrored",
    "light": "Light: flip, crop, small turn",
    "strong": "Strong: also perspective",
}


def build(settings: Settings, engines: Sequence[Engine]) -> gr.Blocks:
    """The whole page. Nothing is loaded or contacted until somebody gives it photos."""
    doors = Doors(settings, engines)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    turn: dict[str, Any] = {"concurrency_id": "augment", "concurrency_limit": settings.jobs_at_once}
    with gr.Blocks(title="AugmentAI", delete_cache=(3600, int(settings.keep_hours * 3600))) as page:
        gr.HTML(texts.HEADER, padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300):
                files = gr.File(label="Photos or ZIPs", file_count="multiple", height=190, elem_id="files")
                samples = gr.Button("Load samples", size="sm", elem_id="samples")
                form = _form(words_matter=any(e.name != "gan" and e.readiness().ready for e in engines))
                with gr.Row():
                    start = gr.Button("Augment", variant="primary", scale=3, min_width=160, elem_id="augment")
                    stop = gr.Button("Stop", scale=1, interactive=False, min_width=90, elem_id="stop")
                cost = gr.HTML("", padding=False, elem_id="cost")
                gr.HTML(texts.engine_line(engines), padding=False, elem_id="engines")
            with gr.Column(scale=6, min_width=300):
                results = _results()
        samples.click(_samples, None, files, queue=False, **quiet)
        files.change(doors.warm_up, None, None, queue=False, **quiet)
        deciding = [files, form.strength, form.variations, form.engine, form.key]
        moments = [*(part.change for part in deciding[:-1]), form.key.blur, form.key.submit]
        gr.on(moments, doors.cost, deciding, cost, queue=False, **quiet)
        waiting = start.click(doors.begin, None, [results.status, start, stop], queue=False, **quiet)
        working = waiting.then(doors.page, [files, *form], [*results, start, stop], **quiet, **turn)
        working.then(doors.rest, None, [start, stop], queue=False, **quiet)
        page.unload(doors.leave)
        stop.click(doors.stop, None, stop, queue=False, **quiet)
        with gr.Row(visible=False):
            _endpoint(doors, turn)
    return page


class _Form(NamedTuple):
    """The settings, in the order in which `Doors` takes them."""

    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    strength: gr.Slider
    variations: gr.Slider
    engine: gr.Dropdown
    seed: gr.Number
    output_format: gr.Dropdown
    geometry: gr.Dropdown
    mirror: gr.Checkbox
    key: gr.Textbox


def _form(words_matter: bool) -> _Form:
    with gr.Group():
        variations = gr.Slider(1, MAX_VARIATIONS, 4, step=1, label="Variations per image", elem_id="variations")
        about_strength = "0 is the photo itself, 1 as far from it as the engine goes"
        strength = gr.Slider(0, 1, 0.4, step=0.05, label="Strength", info=about_strength, elem_id="strength")
    with gr.Group(), gr.Row():
        engines = [(texts.ENGINE_NAMES[name], name) for name in ENGINES]
        engine = gr.Dropdown(engines, value="auto", label="Engine", min_width=170, elem_id="engine")
        formats = [(_FORMAT_NAMES[name], name) for name in OUTPUT_FORMATS]
        output_format = gr.Dropdown(formats, value="same", label="Output format", min_width=170, elem_id="format")
    with gr.Group(), gr.Row():
        moves = [(_GEOMETRY_NAMES[name], name) for name in GEOMETRIES]
        geometry = gr.Dropdown(moves, value="none", label="Geometry", min_width=170, elem_id="geometry")
        mirror = gr.Checkbox(
            True, label="May mirror", info="off where left and right matter", min_width=170, elem_id="mirror"
        )
    with gr.Group(), gr.Row():
        about_prompt = "for the hosted and the diffusion engine; {label} is the class folder's name"
        prompt = gr.Textbox(
            label="Prompt", placeholder=about_prompt, max_lines=6, scale=3, min_width=170, elem_id="prompt"
        )
        seed = gr.Number(0, label="Seed (0: random)", precision=0, minimum=0, scale=1, min_width=120, elem_id="seed")
    with gr.Accordion("Negative prompt, own key", open=words_matter, elem_id="more"):
        negative_prompt = gr.Textbox(
            label="Negative prompt", placeholder="what should not be in it", elem_id="negative"
        )
        key = gr.Textbox(
            label="Your own Stability key (optional)",
            info="Used for your own jobs only, kept in this page's memory, and never stored.",
            type="password",
            max_length=512,
            elem_id="key",
        )
    return _Form(prompt, negative_prompt, strength, variations, engine, seed, output_format, geometry, mirror, key)


class _Results(NamedTuple):
    """What a job fills, in the order in which `Doors.page` yields it."""

    status: gr.HTML
    download: gr.DownloadButton
    gallery: gr.Gallery
    problems: gr.HTML


def _results() -> _Results:
    status = gr.HTML(texts.EMPTY, padding=False, elem_id="status")
    download = gr.DownloadButton("Download ZIP", variant="primary", visible=False, elem_id="zip")
    problems = gr.HTML("", padding=False, elem_id="problems")
    gallery = gr.Gallery(
        label="Variations",
        columns=3,
        fit_columns=False,
        height=640,
        object_fit="cover",
        visible=False,
        interactive=False,
        buttons=["fullscreen"],
        elem_id="gallery",
    )
    return _Results(status, download, gallery, problems)


def _endpoint(doors: Doors, turn: dict[str, Any]) -> None:
    """The API's own components, never shown: real ones check every uploaded path, and their labels document it."""
    inputs: list[Any] = [
        gr.File(label="files: pictures and ZIPs; class folders inside a ZIP are kept", file_count="multiple"),
        gr.Textbox("", label="prompt: what to show (stability, diffusion); {label} is the class; empty: as it is"),
        gr.Textbox("", label="negative_prompt: what not to show (stability, diffusion)"),
        gr.Number(0.4, label="strength: 0 (the source itself) to 1 (as far from it as the engine goes)"),
        gr.Number(1, label=f"variations: of each picture, 1 to {MAX_VARIATIONS}"),
        gr.Textbox("auto", label=f"engine: {', '.join(ENGINES)}; auto prefers them in this order, image by image"),
        gr.Number(0, label="seed: 0 draws one, which the report tells; the same seed, the same pixels"),
        gr.Textbox("same", label=f"output_format: {', '.join(OUTPUT_FORMATS)}"),
        gr.Textbox("none", label=f"geometry: {', '.join(GEOMETRIES)}; labels move with the pixels"),
        gr.Checkbox(True, label="mirror: geometry may swap left and right; false where they matter"),
    ]
    outputs = [
        gr.Gallery(label="gallery: every variation, full size"),
        gr.File(label="zip_path: all variations in their folders, with manifest.jsonl"),
        gr.JSON(label="report: counts, engines, seconds, seed, failures, fallbacks, notices"),
    ]
    description = texts.API_DESCRIPTION
    gr.Button().click(doors.api, inputs, outputs, api_name="augment", api_description=description, **turn)


def _samples() -> list[str]:
    return [str(path) for path in sorted(EXAMPLES.iterdir()) if path.suffix.lower() in {".jpg", ".png"}]
