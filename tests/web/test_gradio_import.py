"""Gradio imported the quick way is the same Gradio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from augmentai.settings import ROOT

CODE = """
import sys
from pathlib import Path
from augmentai.web.gradio_import import import_gradio
import dateutil.parser  # of which some versions have a finder of their own
assert "gradio" not in sys.modules
before = list(sys.meta_path)
gradio = import_gradio()
assert sys.meta_path == before
import gradio as usual
assert usual is gradio
stub = Path(sys.argv[1]) / "own.pyi"
sys.path.insert(0, sys.argv[1])
from own import Own
assert not stub.exists(), "nothing is written beside a component"
with gradio.Blocks() as page:
    gradio.Button("go").click(lambda: "done", None, Own(), api_name="go")
client = __import__("gradio_client").Client(page.launch(prevent_thread_lock=True, quiet=True)[1], verbose=False)
assert client.predict(api_name="/go") == "done"
page.close()
print("fine")
"""


def test_it_is_the_same_gradio_and_writes_no_stubs(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import gradio\n\n\nclass Own(gradio.Textbox):\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip().endswith("fine"), done.stderr
