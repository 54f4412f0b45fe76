// Opens the documentation of the API. Its own link, ?view=api, would load the page anew, and Gradio opens it from its
// footer alone.
() => { document.querySelector('footer .show-api')?.click(); }
