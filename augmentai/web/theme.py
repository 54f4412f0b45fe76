"""The look of the page. System fonts and drawn shapes only: nothing is fetched from another host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CSS_FILE = Path(__file__).with_name("page.css")


def theme() -> Any:
    """Gradio theme: deep green for what acts, warm grey for what rests."""
    import gradio as gr

    green = gr.themes.Color(
        "#eef8f5",
        "#d9f0ea",
        "#b4e0d5",
        "#84c9ba",
        "#3fa796",
        "#2a8577",
        "#1f6f66",
        "#1f5f5b",
        "#184a48",
        "#123a39",
        "#0b2625",
    )
    return gr.themes.Base(
        primary_hue=green,
        secondary_hue="amber",
        neutral_hue="stone",
        radius_size="lg",
        font=["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_background_fill="*neutral_50",
        block_border_width="1px",
        block_shadow="none",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_800",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        slider_color="*primary_600",
    )
