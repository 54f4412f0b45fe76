"""What changes on a page that strangers can reach: tighter limits, a password, and how many proxies are trusted."""

from __future__ import annotations

import secrets
from typing import Any

from pydantic import SecretStr

from augmentai.settings import Settings

USER_NAME = "augmentai"

# Defaults for limits that the owner left unset: enough to try it out, too little to fill a disk or drain an account.
PUBLIC_LIMITS: dict[str, Any] = {
    "visitor_images_per_hour": 2000,
    "visitor_credits_per_hour": 50.0,
    "visitor_upload_mb_per_hour": 2000.0,
    "visitor_files_per_hour": 5000,
    "visitor_jobs": 3,
    "visitor_requests_per_minute": 6000,
    "visitor_calls_per_minute": 600,
    "visitor_sessions_per_hour": 500,
    "credits_per_day": 500.0,
    "max_files": 500,
    "max_megapixels": 30.0,
    "max_file_mb": 30.0,
    "max_upload_mb": 500.0,
    "max_zip_gb": 1.0,
    "max_archive_files": 10_000,
    "max_objects": 25_000,
    "max_points": 50_000,
    "images_mb": 300.0,
    "max_labels_mb": 20.0,
    "parse_seconds": 6.0,  # after two seconds among the short calls, and before two for other files
    "parse_mb": 1000.0,
    "keep_hours": 2.0,
    "closed_tab_seconds": 120.0,
    "cache_mb": 0.0,
}


def is_public(settings: Settings) -> bool:
    """Whether strangers can reach the page: declared public, shared by a link, or on a Space."""
    return settings.public or settings.share or bool(settings.space_id)


def effective_settings(settings: Settings) -> Settings:
    """The settings to serve with: on a public page, limits that the owner left unset are those of PUBLIC_LIMITS."""
    changes: dict[str, Any] = {}
    if is_public(settings):
        changes = {name: limit for name, limit in PUBLIC_LIMITS.items() if name not in settings.model_fields_set}
    if settings.proxies is None:
        changes["proxies"] = int(bool(settings.space_id or settings.share or settings.behind_proxy))
    if settings.share and settings.ask_password and not settings.password.get_secret_value():
        changes["password"] = SecretStr(secrets.token_urlsafe(9))
    return settings.model_copy(update=changes) if changes else settings


def without_secrets(settings: Settings) -> Settings:
    """The settings without keys and passwords, for a process that needs none.

    Example:
        >>> without_secrets(Settings(password="open sesame")).password.get_secret_value()
        ''
    """
    secrets = {name: SecretStr("") for name, value in settings if isinstance(value, SecretStr)}
    return settings.model_copy(update=secrets)


def credentials(settings: Settings) -> list[tuple[str, str]] | None:
    """The value of `launch(auth=)`; None for a page without a password."""
    password = settings.password.get_secret_value()
    return [(USER_NAME, password)] if password else None
