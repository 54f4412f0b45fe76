"""What one request is made of: its files, its form, and the prompt in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from augmentai.engines.base import JobView, Task
from augmentai.engines.canvas import Prepared, prepare, prepare_mask
from augmentai.engines.prompts import Prompt, negative_prompt_of, prompt_of
from augmentai.engines.repaint import Region
from augmentai.engines.stability.endpoints import NO_NEGATIVE_PROMPT, Endpoint, RequestPlan
from augmentai.gan.style_donors import StyleDonors, seeded_order
from augmentai.images import ImageError, Photo, decode

AUTO_STRENGTH = 0.35  # for strength "auto": a cautious choice, not measured, since every attempt costs credits
_DONORS_ASKED = 4  # that cannot be decoded, before there is none

File = tuple[bytes, str]  # its bytes and its media type


class UnsuitedError(Exception):
    """This image cannot be asked for in this way; the message says why."""


@dataclass(frozen=True)
class Files:
    """The files of one request.

    Attributes:
        image: the source, and the way back to it.
        others: a mask or another image, by the name of its field.
        donor: of the style; "" if none lends one.
    """

    image: Prepared
    others: Mapping[str, File] = field(default_factory=dict, repr=False)
    donor: str = ""


class SharedSource:
    """A source prepared once for all its variations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def files(self, photo: Photo, endpoint: Endpoint, region: Region | None = None) -> Files:
        """The source, with the mask of a region if the endpoint takes one: images alike may be labelled differently."""
        with self._lock:
            if self._prepared is None:
                self._prepared = prepare(photo.flattened(), endpoint.canvas)
        if not endpoint.mask_field or region is None:
            return Files(self._prepared)
        mask = prepare_mask(region.painted, self._prepared), "image/png"
        return Files(self._prepared, {endpoint.mask_field: mask})


class Requests:
    """Makes the requests of one job.

    Args:
        plan: endpoint, model and extra fields.
        job: whose images may lend their style.
    """

    def __init__(self, plan: RequestPlan, job: JobView) -> None:
        self._plan, self._job = plan, job
        self._lock = threading.Lock()
        self._donors: StyleDonors | None = None

    def prepare(self, task: Task, source: SharedSource) -> Files:
        """The files of a request: the image, and a mask or another image if the endpoint takes one.

        Raises:
            UnsuitedError: the image cannot be asked for in this way; nothing was sent.
        """
        endpoint, labels = self._plan.endpoint, task.labels
        if endpoint.mask_field and task.region is None:
            raise UnsuitedError("nothing says which part of this image is to be repainted")
        if endpoint.classes_only and labels is not None and (labels.shapes or labels.masks):
            raise UnsuitedError(
                f"{endpoint.name} leaves no labelled object in its place; use --repaint background for labelled images"
            )
        files = source.files(task.photo, endpoint, task.region)
        return self._with_style(task, files) if endpoint.style_field else files

    def form(self, task: Task) -> tuple[dict[str, str], Prompt]:
        """The fields of a request, and the prompt among them.

        Raises:
            FieldError: a field or value that the service would ignore or reject.
        """
        endpoint = self._plan.endpoint
        is_asked = endpoint.needs_prompt or bool(task.recipe.prompt.strip())
        prompt = prompt_of(task) if is_asked else Prompt("")
        wanted: dict[str, object] = {
            endpoint.prompt_field: prompt.text,
            "negative_prompt": "" if self._plan.model in NO_NEGATIVE_PROMPT else negative_prompt_of(task),
            "seed": task.seed,
            "output_format": "png",
        }
        wanted |= endpoint.strength(task.recipe.strength_or(AUTO_STRENGTH))
        return endpoint.form(wanted | dict(self._plan.extra)), prompt

    def details(self, files: Files, form: Mapping[str, str], prompt: Prompt) -> dict[str, Any]:
        """What the manifest says of a request, besides its prompt."""
        details: dict[str, Any] = {"endpoint": self._plan.endpoint.path.partition("stable-image/")[2]}
        details |= prompt.as_details() | ({"donor": files.donor} if files.donor else {})
        return details | {name: text for name, text in form.items() if name == "negative_prompt"}

    def _with_style(self, task: Task, files: Files) -> Files:
        """A request with the image of a donor, chosen by the seed among those of the class, whatever their order."""
        with self._lock:
            self._donors = self._donors or StyleDonors(self._job.sources)
        donors = self._donors.for_source(task.source)
        for position in seeded_order(len(donors), f"{task.seed}:style")[:_DONORS_ASKED]:
            donor = donors[position]
            try:
                image = decode(donor.read(), donor.path, self._job.max_pixels).flattened()
            except (ImageError, OSError):
                continue  # it is reported as a source
            sent = prepare(image, replace(self._plan.endpoint.canvas, pixels=None))
            others: Mapping[str, File] = {self._plan.endpoint.style_field: (sent.data, sent.media_type)}
            return replace(files, others=others, donor=f"{donor.path} {donor.sha256[:12]}")
        raise UnsuitedError("no other image of its class can lend its style")
