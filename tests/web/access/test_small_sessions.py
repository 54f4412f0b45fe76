"""Gradio's sessions, of which it keeps ten thousand: they hold what a visitor has set, and no copy of the page."""

from __future__ import annotations

from augmentai.web.gradio_import import import_gradio

gr = import_gradio()

from gradio import state_holder  # noqa: E402 (Gradio is imported by its own rule)

from augmentai.web.access.small_sessions import keep_sessions_small  # noqa: E402


def test_a_session_holds_values_and_no_descriptions() -> None:
    keep_sessions_small()
    keep_sessions_small()
    with gr.Blocks() as page:
        state, box = gr.State("first"), gr.Textbox("text")
    session = state_holder.SessionState(page)
    assert session[state._id] == "first"
    session[state._id] = "second"
    session[box._id] = gr.Textbox("other", render=False)
    session._update_config(box._id)
    session._update_value_in_config(box._id, "third")
    assert session[state._id] == "second"
    assert session[box._id].value == "other"
    assert not session.config_values
    assert state_holder.SessionState(page)[state._id] == "first", "another visitor's"
