"""The Blocks page and the API endpoint. Both are thin: they turn a form into a recipe and snapshots into components."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.engines.base import Engine
from augmentai.images.decode import ImageError
from augmentai.recipe import ENGINES, MAX_VARIATIONS, OUTPUT_FORMATS, Recipe, RecipeError
from augmentai.settings import EXAMPLES, Settings
from augmentai.web import texts
from augmentai.web.runs import OutputError, Snapshot, run

_WINDOW = 24  # pictures shown while it works: a growing gallery costs more with every picture
_PAUSE_SECONDS = 0.5  # between two looks at a running job
_NOTHING_CHOSEN = "Choose at least one photo or ZIP first, or load the samples."
_FORMAT_NAMES = {"same": "Same as source", "png": "PNG", "jpeg": "JPEG", "webp": "WebP"}


def build(settings: Settings, engines: Sequence[Engine]) -> gr.Blocks:
    """The whole page. Nothing is loaded or contacted until someone presses Augment."""
    doors = _Doors(settings, engines)
    keep_seconds = int(settings.keep_hours * 3600)
    with gr.Blocks(title="AugmentAI", delete_cache=(3600, keep_seconds)) as page:
        gr.HTML(texts.HEADER, padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=320):
                files = gr.File(label="Photos or ZIPs", file_count="multiple", height=190, elem_id="files")
                samples = gr.Button("Load samples", size="sm", elem_id="samples")
                variations = gr.Slider(1, MAX_VARIATIONS, 4, step=1, label="Variations per image", elem_id="variations")
                strength = gr.Slider(
                    0,
                    1,
                    0.4,
                    step=0.05,
                    label="Strength",
                    info="0 is the photo itself, 1 as far from it as it goes",
                    elem_id="strength",
                )
                with gr.Row():
                    engine = gr.Dropdown(
                        [(texts.ENGINE_NAMES[name], name) for name in ENGINES],
                        value="auto",
                        label="Engine",
                        min_width=150,
                        elem_id="engine",
                    )
                    output_format = gr.Dropdown(
                        [(_FORMAT_NAMES[name], name) for name in OUTPUT_FORMATS],
                        value="same",
                        label="Output format",
                        min_width=150,
                        elem_id="format",
                    )
                prompt = gr.Textbox(
                    label="Prompt (optional)",
                    info="For the hosted and diffusion engines. {label} stands for the class folder's name.",
                    placeholder="a photo of a {label} on a rainy day",
                    lines=1,
                    max_lines=6,
                    elem_id="prompt",
                )
                with gr.Accordion("More settings", open=False):
                    negative_prompt = gr.Textbox(
                        label="Negative prompt", placeholder="what should not be in it", elem_id="negative"
                    )
                    seed = gr.Number(
                        0,
                        label="Seed",
                        info="0 draws one and tells it; the same seed gives the same pixels",
                        precision=0,
                        minimum=0,
                        elem_id="seed",
                    )
                with gr.Row():
                    start = gr.Button("Augment", variant="primary", scale=3, elem_id="augment")
                    stop = gr.Button(
                        "Stop", variant="secondary", scale=1, interactive=False, min_width=80, elem_id="stop"
                    )
                gr.HTML(texts.engine_line(engines), padding=False, elem_id="engines")
            with gr.Column(scale=6, min_width=320):
                status = gr.HTML(texts.EMPTY, padding=False, elem_id="status")
                gallery = gr.Gallery(
                    label="Variations",
                    columns=3,
                    height="auto",
                    object_fit="cover",
                    visible=False,
                    interactive=False,
                    buttons=["fullscreen"],
                    elem_id="gallery",
                )
                download = gr.DownloadButton("Download ZIP", variant="primary", visible=False, elem_id="zip")
                problems = gr.HTML("", padding=False, elem_id="problems")
        samples.click(_samples, None, files, api_visibility="private", show_progress="hidden")
        start.click(
            doors.page,
            [files, prompt, negative_prompt, strength, variations, engine, seed, output_format],
            [status, gallery, problems, download, start, stop],
            api_visibility="private",
            concurrency_id="augment",
            concurrency_limit=settings.jobs_at_once,
            show_progress="hidden",
        )
        stop.click(doors.stop, None, stop, api_visibility="private", queue=False, show_progress="hidden")
        _endpoint(doors, settings)
    return page


def _endpoint(doors: _Doors, settings: Settings) -> None:
    """The API's own components, never shown: real components check every uploaded path, and their labels document it."""
    with gr.Row(visible=False):
        inputs: list[Any] = [
            gr.File(label="files: pictures and ZIPs; class folders inside a ZIP are kept", file_count="multiple"),
            gr.Textbox(
                "",
                label="prompt: what to show (stability, diffusion); {label} is the class; empty keeps the subject",
            ),
            gr.Textbox("", label="negative_prompt: what not to show"),
            gr.Number(0.4, label="strength: 0 (the source itself) to 1 (as far from it as the engine goes)"),
            gr.Number(1, label=f"variations: of each picture, 1 to {MAX_VARIATIONS}"),
            gr.Textbox("auto", label=f"engine: {', '.join(ENGINES)}; auto prefers them in this order, image by image"),
            gr.Number(0, label="seed: 0 draws one, which the report tells; the same seed, the same pixels"),
            gr.Textbox("same", label=f"output_format: {', '.join(OUTPUT_FORMATS)}"),
        ]
        outputs = [
            gr.Gallery(label="gallery: every variation, full size"),
            gr.File(label="zip_path: all variations in their folders, with manifest.jsonl"),
            gr.JSON(label="report: counts, engines, seed, failures, fallbacks"),
        ]
        gr.Button().click(
            doors.api,
            inputs,
            outputs,
            api_name="augment",
            api_description=texts.API_DESCRIPTION,
            concurrency_id="augment",
            concurrency_limit=settings.jobs_at_once,
        )


def _samples() -> list[str]:
    return [str(path) for path in sorted(EXAMPLES.iterdir()) if path.suffix.lower() in {".jpg", ".png"}]


class _Doors:
    """The two ways in: the page's button and the API. Generators, so that a closed tab or a cancel ends the work."""

    def __init__(self, settings: Settings, engines: Sequence[Engine]) -> None:
        self._settings, self._engines = settings, engines
        self._stops: dict[str, Event] = {}

    def api(
        self,
        files: list[str] | None,
        prompt: str,
        negative_prompt: str,
        strength: float,
        variations: float,
        engine: str,
        seed: float,
        output_format: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio hands it in)
    ) -> Iterator[tuple[Any, Any, Any]]:
        form = (prompt, negative_prompt, strength, variations, engine, seed, output_format)
        for snapshot in self._run(files, form, progress, Event()):
            if snapshot.report is None:
                yield gr.skip(), gr.skip(), gr.skip()
            else:
                yield list(snapshot.pictures), snapshot.zip_path, snapshot.report

    def page(
        self,
        files: list[str] | None,
        prompt: str,
        negative_prompt: str,
        strength: float,
        variations: float,
        engine: str,
        seed: float,
        output_format: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[tuple[Any, ...]]:
        form = (prompt, negative_prompt, strength, variations, engine, seed, output_format)
        session = request.session_hash or ""
        stop = self._stops[session] = Event()
        running = (gr.Button("Working…", interactive=False), gr.Button(interactive=True))
        resting = (gr.Button("Augment", interactive=True), gr.Button("Stop", interactive=False))
        hidden = gr.DownloadButton(visible=False)
        shown = 0.0
        try:
            for snapshot in self._run(files, form, progress, stop):
                if snapshot.report is not None:
                    gallery = gr.Gallery(list(snapshot.previews), visible=bool(snapshot.previews))
                    problems = texts.troubles(snapshot.report, snapshot.failures)
                    yield texts.summary(snapshot.report), gallery, problems, _zip_button(snapshot), *resting
                elif time.monotonic() - shown > _PAUSE_SECONDS:
                    first = not shown
                    shown = time.monotonic()
                    bar = texts.progress(snapshot.done, len(snapshot.failures), snapshot.expected, snapshot.seconds)
                    gallery = gr.Gallery(list(snapshot.previews[-_WINDOW:]), visible=bool(snapshot.previews))
                    yield (
                        bar,
                        gallery,
                        texts.troubles(None, snapshot.failures),
                        hidden if first else gr.skip(),
                        *running,
                    )
                else:
                    yield (gr.skip(),) * 6  # only a point where a closed tab can end the work
        except gr.Error as error:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), *resting
            raise error
        finally:
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

    def stop(self, request: gr.Request) -> Any:
        """End this visitor's own job after the image in hand; what is done is kept."""
        stop = self._stops.get(request.session_hash or "")
        if stop is not None:
            stop.set()
        return gr.Button("Stopping…", interactive=False)

    def _run(
        self, files: list[str] | None, form: tuple[Any, ...], progress: gr.Progress, stop: Event
    ) -> Iterator[Snapshot]:
        if not files:
            raise gr.Error(_NOTHING_CHOSEN, title="No files", print_exception=False)
        prompt, negative_prompt, strength, variations, engine, seed, output_format = form
        try:
            recipe = Recipe(prompt or "", negative_prompt or "", strength, variations, engine, seed, output_format)
            for snapshot in run(files, recipe, self._settings, self._engines, Path(get_upload_folder()), stop):
                progress((snapshot.done, snapshot.expected), desc="augmenting", unit="images")
                yield snapshot
        except RecipeError as error:
            raise gr.Error(str(error), title="A setting cannot be used", print_exception=False) from error
        except (OutputError, ImageError) as error:
            raise gr.Error(str(error), title="The result could not be written", print_exception=False) from error


def _zip_button(snapshot: Snapshot) -> Any:
    assert snapshot.zip_path is not None
    size = os.path.getsize(snapshot.zip_path) / 1e6
    return gr.DownloadButton(
        f"Download ZIP ({snapshot.done} images, {size:.1f} MB)", value=snapshot.zip_path, visible=snapshot.done > 0
    )
