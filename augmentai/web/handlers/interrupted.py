"""Jobs that were interrupted after they had paid for images: offered to whoever started them, until they expire."""

from __future__ import annotations

import zipfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath

import gradio as gr

from augmentai.dataset.file_names import safe_path
from augmentai.images.file_types import HEAD_BYTES, detect_type
from augmentai.web import texts
from augmentai.web.jobs.paid_jobs import InterruptedJob
from augmentai.web.jobs.uploads import INPUT_FOLDERS
from augmentai.web.jobs.zip_packing import Packing, name_by_count, new_zip
from augmentai.web.views import Updates


def offered_view(job: InterruptedJob) -> Updates:
    """An interrupted job: what is kept of it can be downloaded, and the job resumed."""
    return {
        "status": texts.interrupted(job.answers),
        "resume": gr.Button("Resume", visible=True),
        "download": gr.DownloadButton(visible=False),
        "pack": gr.Button(texts.kept_label(job.answers), visible=True, interactive=True),
    }


def inputs_of(job: InterruptedJob) -> list[Path]:
    """The inputs of an interrupted job, as `link_uploads` returned them."""
    folder, zips = (job.inputs / name for name in INPUT_FOLDERS)
    found = sorted(zips.glob("*/*"), key=lambda path: int(path.parent.name)) if zips.is_dir() else []
    return [folder, *found] if folder.is_dir() else found


def pack_answers(job: InterruptedJob) -> Generator[Packing, None, None]:
    """Pack what an interrupted job has paid for into a ZIP, as it came from the service.

    Yields:
        Progress; the last has the path.

    Raises:
        OSError: the disk is full.
    """
    target = new_zip(job.inputs)
    target.parent.mkdir()
    done = 0
    with zipfile.ZipFile(target, "w") as archive:
        for source, index, data in job.images():
            stem = PurePosixPath(safe_path(source) or "image").with_suffix("")
            suffix = (detect_type(data[:HEAD_BYTES]) or "png").lower()
            name = f"{stem}__v{index}.{suffix}"
            if name in archive.NameToInfo:  # another attempt at the same variation
                name = f"{stem}__v{index}_{done}.{suffix}"
            archive.writestr(name, data)
            done += 1
            yield Packing(done, job.answers)
    yield Packing(done, done, name_by_count(target, done))


def kept_download(path: Path) -> Updates:
    """The button that downloads what `pack_answers` has packed."""
    button = gr.DownloadButton(f"Download {path.name}", value=str(path), visible=True, interactive=True)
    return {"download": button, "pack": gr.Button(visible=False)}
