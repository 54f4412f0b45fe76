"""The environment, read once into one frozen, validated object. Nothing else reads the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
# An installed package has its weights and examples inside; in a checkout they are folders beside the code.
_BUNDLED = Path(__file__).resolve().parent / "bundled"
_DATA = _BUNDLED if _BUNDLED.is_dir() else ROOT
DEFAULT_WEIGHTS = _DATA / "weights" / "gan.safetensors"
EXAMPLES = _DATA / "examples"


class SettingsError(ValueError):
    """A variable of the environment holds something that cannot be used; the message names it."""


def _stripped(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return value.strip() if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """A mapping out of "name=value,name=value" or JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    for name, equals, _ in pairs:
        if not equals:
            raise ValueError(f"{name.strip()!r} has no value; expected name=value,name=value")
    return {name.strip(): text.strip() for name, _, text in pairs}


Stripped = BeforeValidator(_stripped)
Prices = Annotated[dict[str, Annotated[float, Field(ge=0)]], NoDecode, BeforeValidator(_pairs)]
Fields = Annotated[dict[str, str | int | float], NoDecode, BeforeValidator(_pairs)]


class Settings(BaseSettings):
    """Everything that the environment may set. Sizes are in the unit that the name ends with."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    stability_api_key: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""),
        validation_alias="STABILITY_API_KEY",
        description="key of the hosted API; without it all is local",
    )
    stability_api_base: Annotated[str, Stripped] = Field(
        "https://api.stability.ai",
        validation_alias="STABILITY_API_BASE",
        pattern=r"^https?://[^\s]+$",
        description="root of the hosted API, for gateways and tests",
    )
    stability_model: Annotated[str, Stripped] = Field(
        "sd3.5-medium", validation_alias="STABILITY_MODEL", description="model of the hosted API"
    )
    stability_endpoint: Annotated[str, Stripped] = Field(
        "sd3",
        validation_alias="AUGMENTAI_STABILITY_ENDPOINT",
        pattern="^(sd3|ultra|structure)$",
        description="call of the hosted API: sd3 (image-to-image), ultra, or structure (keeps size and layout)",
    )
    stability_concurrency: int = Field(
        6, ge=1, le=64, validation_alias="AUGMENTAI_STABILITY_CONCURRENCY", description="hosted requests in flight"
    )
    stability_credits_per_job: float | None = Field(
        None,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_CREDITS_PER_JOB",
        description="most credits that one job may spend; no limit where it is not set",
    )
    stability_credits_per_day: float | None = Field(
        None,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_CREDITS_PER_DAY",
        description="most credits a day (UTC), over all jobs and restarts; no limit where it is not set",
    )
    stability_on_cap: Literal["fallback", "stop"] = Field(
        "fallback",
        validation_alias="AUGMENTAI_STABILITY_ON_CAP",
        description="when a limit of credits is reached: fallback (the next engine makes the rest) or stop",
    )
    stability_prices: Prices = Field(
        default_factory=dict,
        validation_alias="AUGMENTAI_STABILITY_PRICES",
        description="credits a picture where the list price has changed, as in sd3.5-medium=3.5,ultra=8",
    )
    stability_fields: Fields = Field(
        default_factory=dict,
        validation_alias="AUGMENTAI_STABILITY_FIELDS",
        description="fields sent besides, as in style_preset=photographic,cfg_scale=5",
    )
    stability_connect_seconds: float = Field(
        10, gt=0, validation_alias="AUGMENTAI_STABILITY_CONNECT_SECONDS", description="longest wait for a connection"
    )
    stability_read_seconds: float = Field(
        180, gt=0, validation_alias="AUGMENTAI_STABILITY_READ_SECONDS", description="longest silence of the hosted API"
    )
    stability_total_seconds: float = Field(
        240, gt=0, validation_alias="AUGMENTAI_STABILITY_TOTAL_SECONDS", description="longest one request may take"
    )
    stability_retry_seconds: float = Field(
        1,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_RETRY_SECONDS",
        description="pause before the one retry, give or take half",
    )
    stability_lock_seconds: float = Field(
        60,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_LOCK_SECONDS",
        description="pause of all requests after a 429 that names none",
    )
    stability_longest_lock_seconds: float = Field(
        180,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_LONGEST_LOCK_SECONDS",
        description="longer pauses are not waited out: the next engine works meanwhile",
    )
    stability_faults: int = Field(
        5,
        ge=1,
        validation_alias="AUGMENTAI_STABILITY_FAULTS",
        description="faults in a row after which the hosted API is left alone for a while",
    )
    stability_rest_seconds: float = Field(
        60,
        gt=0,
        validation_alias="AUGMENTAI_STABILITY_REST_SECONDS",
        description="that while; it doubles with each trial that fails, up to ten times as long",
    )
    state: Path = Field(
        Path("~/.augmentai"),
        validation_alias="AUGMENTAI_STATE",
        description="folder for what must outlive a restart: the day's credits",
    )
    gan_weights: Path = Field(
        DEFAULT_WEIGHTS, validation_alias="AUGMENTAI_GAN_WEIGHTS", description="weights file of the local GAN"
    )
    device: str = Field(
        "auto",
        validation_alias="AUGMENTAI_DEVICE",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="where the local GAN runs: auto, cpu, cuda or cuda:N",
    )
    diffusion_model: Annotated[str, Stripped] = Field(
        "stabilityai/sd-turbo",
        min_length=1,
        validation_alias="AUGMENTAI_DIFFUSION_MODEL",
        description="diffusion model for a CUDA GPU: hub id, diffusers folder or .safetensors file",
    )
    diffusion_revision: Annotated[str | None, Stripped] = Field(
        None,
        validation_alias="AUGMENTAI_DIFFUSION_REVISION",
        description="commit, tag or branch of a hub model; the default model is pinned to a commit",
    )
    diffusion_config: Annotated[str | None, Stripped] = Field(
        None,
        validation_alias="AUGMENTAI_DIFFUSION_CONFIG",
        description="folder or hub id with the configuration of a single .safetensors file; found by itself otherwise",
    )
    diffusion_device: str = Field(
        "auto",
        validation_alias="AUGMENTAI_DIFFUSION_DEVICE",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="where diffusion runs: auto (CUDA or not at all), cuda, cuda:N, or cpu, which is very slow",
    )
    diffusion_dtype: str = Field(
        "auto",
        validation_alias="AUGMENTAI_DIFFUSION_DTYPE",
        pattern=r"^(auto|bfloat16|float16|float32)$",
        description="numbers that diffusion computes in; auto: on a GPU float16 or bfloat16, as suits the model",
    )
    diffusion_batch: int = Field(
        8, ge=1, le=64, validation_alias="AUGMENTAI_DIFFUSION_BATCH", description="pictures at once; halves by itself"
    )
    diffusion_steps: int | None = Field(
        None, ge=1, le=200, validation_alias="AUGMENTAI_DIFFUSION_STEPS", description="steps; else the model's own"
    )
    diffusion_guidance: float | None = Field(
        None,
        ge=0,
        le=30,
        validation_alias="AUGMENTAI_DIFFUSION_GUIDANCE",
        description="how closely the prompt is followed; above 1 a negative prompt is read; the model's own by default",
    )
    diffusion_compile: bool = Field(
        False,
        validation_alias="AUGMENTAI_DIFFUSION_COMPILE",
        description="compile the model: minutes once for each size of picture, then faster",
    )
    hf_token: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""),
        validation_alias="HF_TOKEN",
        description="key to gated models on huggingface.co, and to datasets that --push-to-hub writes",
    )
    zero_gpu: bool = Field(
        False, validation_alias="SPACES_ZERO_GPU", description="set by Hugging Face where a GPU is lent call by call"
    )
    max_megapixels: float = Field(
        50, gt=0, validation_alias="AUGMENTAI_MAX_MEGAPIXELS", description="larger pictures are refused before decoding"
    )
    max_file_mb: float = Field(
        100, gt=0, validation_alias="AUGMENTAI_MAX_FILE_MB", description="larger files are refused"
    )
    max_zip_gb: float = Field(
        8, gt=0, validation_alias="AUGMENTAI_MAX_ZIP_GB", description="ZIPs that unpack to more are refused"
    )
    max_files: int = Field(
        2000, ge=1, validation_alias="AUGMENTAI_MAX_FILES", description="sources in one job of the page or the API"
    )
    max_upload_mb: float = Field(
        2000,
        gt=0,
        validation_alias="AUGMENTAI_MAX_UPLOAD_MB",
        description="largest single upload to the page or the API",
    )
    keep_hours: float = Field(
        24, gt=0, validation_alias="AUGMENTAI_KEEP_HOURS", description="uploads and results are deleted after this"
    )
    jobs_at_once: int = Field(
        1, ge=1, validation_alias="AUGMENTAI_JOBS_AT_ONCE", description="jobs that run side by side"
    )
    queue_size: int = Field(
        20, ge=1, validation_alias="AUGMENTAI_QUEUE_SIZE", description="jobs that may wait their turn"
    )
    public: bool = Field(
        False,
        validation_alias="AUGMENTAI_PUBLIC",
        description="strangers can reach the page: tighter limits hold (so they do on a Space and with a share link)",
    )
    visitor_images_per_hour: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_IMAGES_PER_HOUR",
        description="most variations an hour for one address; no limit where it is not set and the page is not public",
    )
    visitor_credits_per_hour: float | None = Field(
        None,
        ge=0,
        validation_alias="AUGMENTAI_VISITOR_CREDITS_PER_HOUR",
        description="most credits of your key an hour for one address, likewise; 0: visitors bring their own key",
    )
    visitor_upload_mb_per_hour: float | None = Field(
        None,
        gt=0,
        validation_alias="AUGMENTAI_VISITOR_UPLOAD_MB_PER_HOUR",
        description="most megabytes an hour that one address may upload, likewise",
    )
    visitor_jobs: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_JOBS",
        description="jobs of one address that may wait at once, likewise",
    )
    proxies: int | None = Field(
        None,
        ge=0,
        le=10,
        validation_alias="AUGMENTAI_PROXIES",
        description="proxies in front that each add to X-Forwarded-For, where the visitor's address is then read; "
        "1 on a Space, with a share link and behind PROXY_PREFIX, else 0: the header is not believed",
    )
    share: bool = Field(
        False, validation_alias="GRADIO_SHARE", description="open a public link (https://....gradio.live) as well"
    )
    password: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""),
        validation_alias="AUGMENTAI_PASSWORD",
        description="password of the page, user name augmentai; a share link without one gets a random one, printed",
    )
    ask_password: bool = Field(
        True,
        validation_alias="AUGMENTAI_ASK_PASSWORD",
        description="false: a share link opens for everybody who has it",
    )
    server_name: str | None = Field(None, validation_alias="GRADIO_SERVER_NAME", description="address to listen on")
    server_port: int | None = Field(None, ge=0, le=65535, validation_alias="GRADIO_SERVER_PORT", description="port")
    root_path: str | None = Field(
        None,
        validation_alias=AliasChoices("GRADIO_ROOT_PATH", "PROXY_PREFIX"),
        description="prefix that a proxy strips (AI Workbench sets PROXY_PREFIX)",
    )
    behind_proxy: str | None = Field(
        None, validation_alias="PROXY_PREFIX", exclude=True, description="see GRADIO_ROOT_PATH"
    )

    space_id: str | None = Field(None, validation_alias="SPACE_ID", exclude=True, description="set on a Space")

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * 1_000_000)

    @property
    def max_file_bytes(self) -> int:
        return int(self.max_file_mb * 1_000_000)

    @property
    def max_zip_bytes(self) -> int:
        return int(self.max_zip_gb * 1_000_000_000)


def load_settings() -> Settings:
    """Settings from the environment. Raises SettingsError, which names the variable but never shows a key."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_input=False)
        ]
        raise SettingsError("the environment holds a setting that cannot be used: " + "; ".join(wrong)) from None


def table() -> str:
    """Every variable as a Markdown table, for the README: `python -m augmentai.settings`."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for field in Settings.model_fields.values():
        if field.exclude:
            continue
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias]
        written = " or ".join(f"`{name}`" for name in names)
        rows.append(f"| {written} | {_shown(field.get_default(call_default_factory=True))} | {field.description} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    if isinstance(default, Path):
        return str(default.relative_to(_DATA) if default.is_relative_to(_DATA) else default)
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, SecretStr) or default is None or default in ("", {}):
        return ""
    return str(default)


if __name__ == "__main__":
    print(table())
