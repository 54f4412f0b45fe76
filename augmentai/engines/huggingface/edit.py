"""One request to a provider: within a deadline of its own, its bytes checked, its errors in words.

The client waits for some providers without any deadline, and opens whatever a provider's link leads to. So each call
has a thread of its own that nobody waits for once the deadline is over, and its image is decoded here.
"""

from __future__ import annotations

import io
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from PIL import Image

from augmentai.engines.huggingface.session import AbandonedError, within
from augmentai.engines.redaction import redacted
from augmentai.engines.request_threads import Problem
from augmentai.settings import Settings

_TICK_SECONDS = 0.2
_MAX_ANSWER_PIXELS = 16_000_000
_LOOK_UP = "/api/models/"  # where the client asks which providers serve a model, before anything is sent to one
_ADVICE = {
    401: "; check HF_TOKEN",
    402: "; buy credits in the token's account, or choose another engine",
    403: "; the token needs the permission to call inference providers",
    404: "; check AUGMENTAI_HUGGINGFACE_MODEL and _PROVIDER",
}


@dataclass(frozen=True)
class Edit:
    """What is asked for.

    Attributes:
        image: the encoded file.
        prompt: what it should become.
        size_wh: wanted of the answer.
        seed: of the pixels.
    """

    image: bytes = field(repr=False)
    prompt: str
    size_wh: tuple[int, int]
    seed: int


@dataclass(frozen=True)
class Edited:
    """An image, as a PNG."""

    data: bytes = field(repr=False)
    charged: bool = True


def edit(settings: Settings, wanted: Edit, closed: Callable[[], bool]) -> Edited | Problem | None:
    """Ask for one image.

    Args:
        settings: token, provider, model and deadline.
        wanted: what to ask for.
        closed: nobody waits for it any more.

    Returns:
        The image, or why there is none; None if nobody waited for it: it may have been charged.
    """
    answers: SimpleQueue[Edited | Problem] = SimpleQueue()
    deadline, abandoned = time.monotonic() + settings.huggingface_total_seconds, threading.Event()

    def call() -> None:
        with suppress(AbandonedError), within(deadline, abandoned):
            answers.put(_called(settings, wanted))

    threading.Thread(target=call, name="huggingface", daemon=True).start()
    try:
        while not closed():
            try:
                return answers.get(timeout=_TICK_SECONDS)
            except Empty:
                if time.monotonic() > deadline:
                    seconds = f"{settings.huggingface_total_seconds:g} s"
                    return Problem("fault", f"{settings.huggingface_provider} did not finish within {seconds}", None)
        return None
    finally:
        abandoned.set()


def _called(settings: Settings, wanted: Edit) -> Edited | Problem:
    """In the call's own thread. Raises AbandonedError."""
    try:
        return _checked(_client_call(settings, wanted), settings)
    except AbandonedError:
        raise
    except Exception as error:  # whatever a provider sends ends up in the client's code
        return problem_of(error, settings)


def _client_call(settings: Settings, wanted: Edit) -> Image.Image:
    from huggingface_hub import ImageToImageTargetSize, InferenceClient

    client = InferenceClient(
        provider=settings.huggingface_provider,  # type: ignore[arg-type]  # the settings allow no other
        api_key=settings.hf_token.get_secret_value(),
        timeout=settings.huggingface_total_seconds,
    )
    width, height = wanted.size_wh
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is our own
        return client.image_to_image(
            wanted.image,
            prompt=wanted.prompt,
            model=settings.huggingface_model,
            target_size=ImageToImageTargetSize(width=width, height=height),
            seed=wanted.seed,
        )


def _checked(image: Image.Image, settings: Settings) -> Edited | Problem:
    """The image decoded and encoded again, so that what is stored is one."""
    provider = settings.huggingface_provider
    if image.width * image.height > _MAX_ANSWER_PIXELS:
        found = f"an image of {image.width}x{image.height}, far more than was asked for"
        return Problem("fault", f"{provider} answered with {found}", charged=True)
    buffer = io.BytesIO()
    try:
        over = image.convert("RGBA") if "A" in image.getbands() or "transparency" in image.info else None
        rgb = image.convert("RGB") if over is None else Image.alpha_composite(_white(over.size), over).convert("RGB")
        rgb.save(buffer, "PNG", compress_level=1)
    except Exception:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        return Problem("fault", f"{provider} answered with a corrupt or truncated image", charged=True)
    return Edited(buffer.getvalue())


def _white(size_wh: tuple[int, int]) -> Image.Image:
    return Image.new("RGBA", size_wh, "white")


def problem_of(error: Exception, settings: Settings) -> Problem:
    """What an exception of the client means. The token is removed from all text."""
    provider, name = settings.huggingface_provider, type(error).__name__
    method, url = _request_of(error)
    sent = method == "POST" or (method == "GET" and _LOOK_UP not in url)
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    words = redacted(_words_of(error), settings.hf_token.get_secret_value())
    if isinstance(status, int):
        return _of_status(status, f"{provider} answered {status}: {words}", _headers_of(response), method, sent)
    if name in {"ConnectError", "ConnectTimeout"} or type(error.__cause__).__name__ == "ConnectTimeout":
        return Problem(
            "transient", f"{provider} cannot be reached ({words or name})", None if method == "GET" else False
        )
    if name == "OfflineModeIsEnabled":
        return Problem("out", f"HF_HUB_OFFLINE is set, so nothing can be sent to {provider}")
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return Problem("fault", f"{provider} did not answer in time; the image may still be made and charged", None)
    if isinstance(error, Image.DecompressionBombError):
        return Problem("fault", f"{provider} answered with an image far larger than was asked for", charged=True)
    if isinstance(error, Image.UnidentifiedImageError):
        return Problem("fault", f"{provider} answered with something that is not an image", None)
    if isinstance(error, ValueError) and "not supported" in words:
        return Problem("out", f"{words}; check AUGMENTAI_HUGGINGFACE_MODEL and _PROVIDER")
    return Problem("fault", f"{provider} did not answer with an image ({name}: {words})", None)


def _of_status(status: int, reason: str, headers: Mapping[str, Any], method: str, sent: bool) -> Problem:
    """What a status means: nothing is charged for a request that was turned away, unless it was under way already."""
    reason += _ADVICE.get(status, "")
    charged = False if method == "POST" or not sent else None
    if status in {401, 402, 403} or (status == 404 and charged is False):
        return Problem("out", reason, charged)
    if status == 429 and charged is False:
        return Problem("locked", reason, wait_seconds=_seconds(headers.get("retry-after")))
    if status == 504:
        return Problem("fault", reason, None if sent else False)
    if status >= 500 and charged is False:
        return Problem("transient", reason)
    if status in {400, 413, 415, 422} and charged is False:
        return Problem("refused", reason)
    return Problem("fault", reason, charged)


def _request_of(error: Exception) -> tuple[str, str]:
    """Method and address of the request that failed; "" where that is not known."""
    for one in (error, error.__cause__):
        try:
            request = getattr(one, "request", None) or getattr(getattr(one, "response", None), "request", None)
        except RuntimeError:  # it was raised before there was one
            continue
        if request is not None:
            return str(request.method), str(request.url)
    return "", ""


def _words_of(error: Exception) -> str:
    """The service's own words, where it has sent some."""
    said = getattr(error, "server_message", None)
    return str(said) if said else str(error)


def _headers_of(response: Any) -> Mapping[str, Any]:
    headers: Mapping[str, Any] = getattr(response, "headers", {})
    return headers


def _seconds(text: object) -> float | None:
    try:
        seconds = float(str(text))
    except ValueError:
        return None
    return max(0.0, seconds) if seconds < float("inf") else None
