"""Environment variables, read once into one frozen, validated object. Nothing else reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from augmentai.setting_types import Credits, Fields, HostNames, Prices, Stripped

ROOT = Path(__file__).resolve().parent.parent
# An installed package has its weights and examples inside; in a checkout they are folders beside the code.
_BUNDLED = Path(__file__).resolve().parent / "bundled"
DATA = _BUNDLED if _BUNDLED.is_dir() else ROOT
DEFAULT_WEIGHTS = DATA / "weights" / "gan.safetensors"
EXAMPLES = DATA / "examples"


class SettingsError(ValueError):
    """An environment variable has a value that cannot be used; the message names the variable."""


class Settings(BaseSettings):
    """Everything that environment variables can set; a unit is the last part of a name (`_mb`, `_seconds`).

    Example:
        >>> Settings(max_megapixels=2).max_pixels
        2000000
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    stability_api_key: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""),
        validation_alias="STABILITY_API_KEY",
        description="key of the hosted API; without one, images are made on this machine",
    )
    stability_api_base: Annotated[str, Stripped] = Field(
        "https://api.stability.ai",
        validation_alias="STABILITY_API_BASE",
        pattern=r"^https?://[^\s]+$",
        description="base URL of the hosted API, for gateways and tests",
    )
    stability_model: Annotated[str, Stripped] = Field(
        "sd3.5-medium", validation_alias="STABILITY_MODEL", description="model of the hosted API"
    )
    stability_endpoint: Annotated[str, Stripped] = Field(
        "sd3",
        validation_alias="AUGMENTAI_STABILITY_ENDPOINT",
        pattern="^(sd3|ultra|structure|style-transfer|relight)$",
        description="endpoint of the hosted API: sd3 (image-to-image), ultra, structure (keeps size and layout); for "
        "class folders style-transfer (the style of another image), relight (another background and light)",
    )
    stability_concurrency: int = Field(
        6, ge=1, le=64, validation_alias="AUGMENTAI_STABILITY_CONCURRENCY", description="concurrent hosted requests"
    )
    credits_per_job: Credits | None = Field(
        None,
        validation_alias=AliasChoices("AUGMENTAI_CREDITS_PER_JOB", "AUGMENTAI_STABILITY_CREDITS_PER_JOB"),
        description="maximum credits per job; unlimited by default",
    )
    credits_per_day: Credits | None = Field(
        None,
        validation_alias=AliasChoices("AUGMENTAI_CREDITS_PER_DAY", "AUGMENTAI_STABILITY_CREDITS_PER_DAY"),
        description="maximum credits per day (UTC), over all jobs and restarts; unlimited by default",
    )
    credits_on_cap: Literal["fallback", "stop"] = Field(
        "fallback",
        validation_alias=AliasChoices("AUGMENTAI_CREDITS_ON_CAP", "AUGMENTAI_STABILITY_ON_CAP"),
        description="what to do when a credit limit is reached: fallback (the next engine makes the rest) or stop",
    )
    stability_prices: Prices = Field(
        default_factory=dict,
        validation_alias="AUGMENTAI_STABILITY_PRICES",
        description="credits per image, where list prices have changed: sd3.5-medium=3.5,ultra=8",
    )
    stability_fields: Fields = Field(
        default_factory=dict,
        validation_alias="AUGMENTAI_STABILITY_FIELDS",
        description="extra request fields: style_preset=photographic,cfg_scale=5",
    )
    stability_connect_seconds: float = Field(
        10, gt=0, validation_alias="AUGMENTAI_STABILITY_CONNECT_SECONDS", description="connect timeout, hosted API"
    )
    stability_read_seconds: float = Field(
        180, gt=0, validation_alias="AUGMENTAI_STABILITY_READ_SECONDS", description="read timeout, hosted API"
    )
    stability_total_seconds: float = Field(
        240, gt=0, validation_alias="AUGMENTAI_STABILITY_TOTAL_SECONDS", description="total timeout, hosted request"
    )
    stability_poll_seconds: float = Field(
        10, gt=0, validation_alias="AUGMENTAI_STABILITY_POLL_SECONDS", description="between two requests for a result"
    )
    stability_retry_seconds: float = Field(
        1, ge=0, validation_alias="AUGMENTAI_STABILITY_RETRY_SECONDS", description="delay before the retry, +/- half"
    )
    stability_lock_seconds: float = Field(
        60,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_LOCK_SECONDS",
        description="pause of all requests after a 429 response without Retry-After",
    )
    stability_longest_lock_seconds: float = Field(
        180,
        ge=0,
        validation_alias="AUGMENTAI_STABILITY_LONGEST_LOCK_SECONDS",
        description="longest pause to wait out; during a longer one the next engine takes over",
    )
    stability_faults: int = Field(
        5,
        ge=1,
        validation_alias="AUGMENTAI_STABILITY_FAULTS",
        description="circuit breaker: consecutive errors after which the hosted API is not called for a while",
    )
    stability_rest_seconds: float = Field(
        60,
        gt=0,
        validation_alias="AUGMENTAI_STABILITY_REST_SECONDS",
        description="circuit breaker: cool-down, doubling after each failed trial up to ten times this value",
    )
    state: Path = Field(
        Path("~/.augmentai"),
        validation_alias="AUGMENTAI_STATE",
        description="folder for state that must survive a restart: the credits spent today",
    )
    cache: Path | None = Field(
        None,
        validation_alias="AUGMENTAI_CACHE",
        description="folder for features of images, which are computed once; by default the user's cache directory",
    )
    cache_mb: float = Field(
        200,
        ge=0,
        validation_alias="AUGMENTAI_CACHE_MB",
        description="maximum size of that cache, about 190 images per MB; 0 (the default on a public page): no cache",
    )
    gan_weights: Path = Field(
        DEFAULT_WEIGHTS, validation_alias="AUGMENTAI_GAN_WEIGHTS", description="weights file of the local GAN"
    )
    diffusion_model: Annotated[str, Stripped] = Field(
        "stabilityai/sd-turbo",
        min_length=1,
        validation_alias="AUGMENTAI_DIFFUSION_MODEL",
        description="diffusion model for a GPU: Hub id, diffusers folder or .safetensors file",
    )
    diffusion_revision: Annotated[str | None, Stripped] = Field(
        None,
        validation_alias="AUGMENTAI_DIFFUSION_REVISION",
        description="commit, tag or branch of a Hub model; the default model is pinned to a commit",
    )
    diffusion_config: Annotated[str | None, Stripped] = Field(
        None,
        validation_alias="AUGMENTAI_DIFFUSION_CONFIG",
        description="folder or Hub id with the configuration of a single .safetensors file; detected by default",
    )
    diffusion_device: str = Field(
        "auto",
        validation_alias="AUGMENTAI_DIFFUSION_DEVICE",
        pattern=r"^(auto|cpu|mps|(cuda|xpu)(:\d+)?)$",
        description="device of diffusion: auto (a GPU or not at all), cuda (NVIDIA), xpu (Intel), cuda:N, xpu:N, "
        "mps (Apple), or cpu, which is very slow",
    )
    diffusion_dtype: str = Field(
        "auto",
        validation_alias="AUGMENTAI_DIFFUSION_DTYPE",
        pattern=r"^(auto|bfloat16|float16|float32)$",
        description="floating-point type (dtype) of diffusion; auto: float16 or bfloat16 on a GPU, by model; on a CPU "
        "bfloat16 if it computes in it, else float32",
    )
    diffusion_backend: str = Field(
        "torch",
        validation_alias="AUGMENTAI_DIFFUSION_BACKEND",
        pattern=r"^(torch|openvino)$",
        description="what computes diffusion on a CPU: torch, or openvino (extra augmentai[openvino]), which is faster",
    )
    diffusion_batch: int = Field(
        8,
        ge=1,
        le=64,
        validation_alias="AUGMENTAI_DIFFUSION_BATCH",
        description="batch size of diffusion; halved when memory runs out",
    )
    diffusion_steps: int | None = Field(
        None, ge=1, le=200, validation_alias="AUGMENTAI_DIFFUSION_STEPS", description="steps; else the model's own"
    )
    diffusion_guidance: float | None = Field(
        None,
        ge=0,
        le=30,
        validation_alias="AUGMENTAI_DIFFUSION_GUIDANCE",
        description="guidance scale; a negative prompt has an effect above 1; by default the model's own",
    )
    diffusion_compile: bool = Field(
        False,
        validation_alias="AUGMENTAI_DIFFUSION_COMPILE",
        description="compile the diffusion model: minutes once for each image size, then faster",
    )
    hf_token: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""), validation_alias="HF_TOKEN", description="Hugging Face token: gated models, --push-to-hub"
    )
    huggingface_provider: Annotated[str, Stripped] = Field(
        "",
        validation_alias="AUGMENTAI_HUGGINGFACE_PROVIDER",
        pattern="^(|fal-ai|replicate|together|wavespeed|hf-inference)$",
        description="who makes the images of the engine huggingface, which HF_TOKEN pays: fal-ai, replicate, together, "
        "wavespeed or hf-inference; without one it is not used",
    )
    huggingface_model: Annotated[str, Stripped] = Field(
        "black-forest-labs/FLUX.2-klein-9B",
        validation_alias="AUGMENTAI_HUGGINGFACE_MODEL",
        description="model of the engine huggingface: one that edits images by instructions",
    )
    huggingface_prices: Prices = Field(
        default_factory=dict,
        validation_alias="AUGMENTAI_HUGGINGFACE_PRICES",
        description="credits per image of the engine huggingface: black-forest-labs/FLUX.2-klein-9B=2.8",
    )
    huggingface_concurrency: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="AUGMENTAI_HUGGINGFACE_CONCURRENCY",
        description="concurrent requests, engine huggingface",
    )
    huggingface_total_seconds: float = Field(
        180,
        gt=0,
        validation_alias="AUGMENTAI_HUGGINGFACE_TOTAL_SECONDS",
        description="total timeout of an image, engine huggingface",
    )
    huggingface_wait_seconds: float = Field(
        20,
        ge=0,
        validation_alias="AUGMENTAI_HUGGINGFACE_WAIT_SECONDS",
        description="pause of a request after a 429 response without Retry-After, engine huggingface",
    )
    comfy_workflow: Annotated[str, Stripped] = Field(
        "",
        validation_alias="AUGMENTAI_COMFY_WORKFLOW",
        description="workflow of the engine comfy, a file exported for the API; without one it is not used",
    )
    comfy_url: Annotated[str, Stripped] = Field(
        "http://127.0.0.1:8188",
        validation_alias="AUGMENTAI_COMFY_URL",
        pattern="^https?://",
        description="ComfyUI server of the engine comfy",
    )
    comfy_total_seconds: float = Field(
        600,
        gt=0,
        validation_alias="AUGMENTAI_COMFY_TOTAL_SECONDS",
        description="timeout of an image once the server works on it, engine comfy",
    )
    zero_gpu: bool = Field(
        False, validation_alias="SPACES_ZERO_GPU", description="set by Hugging Face on ZeroGPU Spaces"
    )
    max_megapixels: float = Field(
        50, gt=0, validation_alias="AUGMENTAI_MAX_MEGAPIXELS", description="larger images are rejected before decoding"
    )
    max_file_mb: float = Field(
        100, gt=0, validation_alias="AUGMENTAI_MAX_FILE_MB", description="larger files are rejected"
    )
    max_zip_gb: float = Field(
        8, gt=0, validation_alias="AUGMENTAI_MAX_ZIP_GB", description="ZIP files that unpack to more are rejected"
    )
    max_files: int = Field(
        2000, ge=1, validation_alias="AUGMENTAI_MAX_FILES", description="maximum source images per job, page and API"
    )
    max_archive_files: int = Field(
        250_000,
        ge=1,
        validation_alias="AUGMENTAI_MAX_ARCHIVE_FILES",
        description="maximum files in one ZIP or TAR; page and API: in all of a job",
    )
    max_objects: int = Field(
        100_000, ge=1, validation_alias="AUGMENTAI_MAX_OBJECTS", description="maximum labelled objects in one image"
    )
    max_points: int | None = Field(
        None,
        ge=3,
        validation_alias="AUGMENTAI_MAX_POINTS",
        description="maximum points of all outlines in one image; by default ten times as many as objects",
    )
    images_mb: float | None = Field(
        None,
        gt=0,
        validation_alias="AUGMENTAI_IMAGES_MB",
        description="memory for the variations that a job has in hand (see Limits); by default 150 MB for each core",
    )
    workers: int | None = Field(
        None, ge=1, le=64, validation_alias="AUGMENTAI_WORKERS", description="processes of a run (see Limits)"
    )
    max_labels_mb: float | None = Field(
        None,
        gt=0,
        validation_alias="AUGMENTAI_MAX_LABELS_MB",
        description="maximum size of all label files of a job (see Limits); unlimited by default, unless the page is "
        "public",
    )
    max_upload_mb: float = Field(
        2000, gt=0, validation_alias="AUGMENTAI_MAX_UPLOAD_MB", description="maximum size of one upload, page and API"
    )
    parse_seconds: float = Field(
        120,
        gt=0,
        validation_alias="AUGMENTAI_PARSE_SECONDS",
        description="maximum time for reading the labels or the recipe of one upload, page and API",
    )
    parse_mb: float = Field(
        4000,
        ge=100,
        validation_alias="AUGMENTAI_PARSE_MB",
        description="maximum memory for reading them, page and API on Linux",
    )
    keep_hours: float = Field(
        24, gt=0, validation_alias="AUGMENTAI_KEEP_HOURS", description="uploads and results are deleted after this"
    )
    closed_tab_seconds: float | None = Field(
        None,
        ge=0,
        validation_alias="AUGMENTAI_CLOSED_TAB_SECONDS",
        description="how long a job of the page runs on when no tab shows it any more; by default to its end",
    )
    jobs_at_once: int = Field(1, ge=1, validation_alias="AUGMENTAI_JOBS_AT_ONCE", description="concurrent jobs")
    queue_size: int = Field(
        20, ge=1, validation_alias="AUGMENTAI_QUEUE_SIZE", description="maximum number of queued jobs"
    )
    public: bool = Field(
        False,
        validation_alias="AUGMENTAI_PUBLIC",
        description="the page is public: tighter limits apply (as on a Space and with a share link)",
    )
    visitor_images_per_hour: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_IMAGES_PER_HOUR",
        description="maximum variations per hour and address; unlimited by default, unless the page is public",
    )
    visitor_credits_per_hour: Credits | None = Field(
        None,
        validation_alias="AUGMENTAI_VISITOR_CREDITS_PER_HOUR",
        description="maximum credits of your key per hour and address, likewise; 0: visitors bring their own key",
    )
    visitor_upload_mb_per_hour: float | None = Field(
        None,
        gt=0,
        validation_alias="AUGMENTAI_VISITOR_UPLOAD_MB_PER_HOUR",
        description="maximum megabytes uploaded per hour and address, likewise",
    )
    visitor_files_per_hour: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_FILES_PER_HOUR",
        description="maximum files uploaded per hour and address, likewise; a ZIP is one file",
    )
    visitor_jobs: int | None = Field(
        None, ge=1, validation_alias="AUGMENTAI_VISITOR_JOBS", description="maximum queued jobs per address, likewise"
    )
    visitor_requests_per_minute: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_REQUESTS_PER_MINUTE",
        description="maximum requests per minute and address, likewise; a page takes about 60",
    )
    visitor_calls_per_minute: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_CALLS_PER_MINUTE",
        description="maximum calls (inspections, forecasts, jobs, saved settings) per minute and address, likewise",
    )
    visitor_sessions_per_hour: int | None = Field(
        None,
        ge=1,
        validation_alias="AUGMENTAI_VISITOR_SESSIONS_PER_HOUR",
        description="maximum page loads and API clients per hour and address, likewise",
    )
    proxies: int | None = Field(
        None,
        ge=0,
        le=10,
        validation_alias="AUGMENTAI_PROXIES",
        description="trusted proxies that add to X-Forwarded-For, the header from which visitors' addresses are read; "
        "by default 1 on a Space, with a share link and behind PROXY_PREFIX, else 0: the header is ignored",
    )
    share: bool = Field(
        False, validation_alias="GRADIO_SHARE", description="also open a public link (https://....gradio.live)"
    )
    password: Annotated[SecretStr, Stripped] = Field(
        SecretStr(""),
        validation_alias="AUGMENTAI_PASSWORD",
        description="password of the page, user name augmentai; a share link gets a random one, printed, by default",
    )
    ask_password: bool = Field(
        True, validation_alias="AUGMENTAI_ASK_PASSWORD", description="false: a share link opens without a password"
    )
    server_name: str | None = Field(None, validation_alias="GRADIO_SERVER_NAME", description="address to listen on")
    server_port: int | None = Field(None, ge=0, le=65535, validation_alias="GRADIO_SERVER_PORT", description="port")
    hosts: HostNames = Field(
        (),
        validation_alias="AUGMENTAI_HOSTS",
        description="further host names of the page, without ports: augment.example.org,192.168.1.10; *.example.org "
        "means all names below; the server answers for no others than these and its own",
    )
    root_path: str | None = Field(
        None,
        validation_alias=AliasChoices("GRADIO_ROOT_PATH", "PROXY_PREFIX"),
        description="path prefix that a proxy strips (AI Workbench sets PROXY_PREFIX)",
    )
    behind_proxy: str | None = Field(
        None, validation_alias="PROXY_PREFIX", exclude=True, description="see GRADIO_ROOT_PATH"
    )

    space_id: str | None = Field(None, validation_alias="SPACE_ID", exclude=True, description="set on a Space")
    space_host: str = Field("", validation_alias="SPACE_HOST", exclude=True, description="set on a Space")

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
    """Read the settings from environment variables.

    Returns:
        The validated settings.

    Raises:
        SettingsError: a value cannot be used; the message names the variable and never shows a key.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        raise SettingsError("environment variables with unusable values: " + "; ".join(faults)) from None


if __name__ == "__main__":
    from augmentai.settings_table import table

    print(table(Settings.model_fields, DATA))
