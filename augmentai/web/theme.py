"""Colours and fonts of the page. System fonts only: nothing is loaded from another host."""

from __future__ import annotations

from typing import Any

from augmentai.web.assets import HERE

CSS_FILES = tuple(HERE / f"{name}.css" for name in ("page", "grid", "lift", "masks", "preview"))
FAVICON = HERE / "logo.svg"


def theme() -> Any:
    """Gradio theme: deep green for controls, warm grey for surfaces. Contrasts are at least 4.5 to 1."""
    import gradio as gr

    green = gr.themes.Color(
        "#eef8f5",
        "#d9f0ea",
        "#b4e0d5",
        "#84c9ba",
        "#3fa796",
        "#2a8577",
        "#1f6f66",
        "#17514c",
        "#124240",
        "#0e3432",
        "#082120",
    )
    return gr.themes.Base(
        primary_hue=green,
        secondary_hue="amber",
        neutral_hue="stone",
        radius_size="lg",
        spacing_size="md",
        font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f6f4ef",
        body_background_fill_dark="#131614",
        background_fill_primary_dark="#1b1f1d",
        background_fill_secondary_dark="#161917",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1b1f1d",
        block_border_width="1px",
        block_border_color="#e4dfd5",
        block_border_color_dark="#2f3532",
        border_color_primary="#e4dfd5",
        border_color_primary_dark="#2f3532",
        body_text_color="#23201c",
        body_text_color_dark="#efece6",
        body_text_color_subdued="#5f5850",
        body_text_color_subdued_dark="#b6afa5",
        block_shadow="none",
        block_label_text_color="*neutral_700",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_text_weight="600",
        block_info_text_color="#5f5850",
        block_info_text_color_dark="#b6afa5",
        input_background_fill="#faf9f6",
        input_background_fill_dark="#141715",
        input_border_color="#d8d1c4",
        input_border_color_dark="#3a413d",
        input_border_width="1px",
        input_placeholder_color="#736b61",
        input_placeholder_color_dark="#958d83",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="#f5b83d",
        button_primary_background_fill_hover_dark="#ffca5c",
        button_primary_text_color="white",
        button_primary_text_color_dark="#23190a",
        button_secondary_background_fill="#ece7dd",
        button_secondary_background_fill_hover="#e2dccf",
        button_secondary_background_fill_dark="#2a302d",
        button_secondary_background_fill_hover_dark="#363d39",
        slider_color="*primary_700",
        slider_color_dark="*primary_400",
        color_accent="*primary_700",
    )
