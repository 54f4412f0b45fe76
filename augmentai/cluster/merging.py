"""The shards of a plan become one set: what a single run would have written, or files for training."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.parts import Merged, Parts, open_parts
from augmentai.cluster.series import write_parts
from augmentai.dataset.manifest import CARD, is_made
from augmentai.dataset.run_record import differences
from augmentai.dataset.writers.base import Writer, writer_for
from augmentai.dataset.writers.earlier_run import read_run
from augmentai.dataset.writers.hub import Hub
from augmentai.dataset.writers.store_writer import StoreWriter
from augmentai.pipeline.run import copy_originals, describe_set, write_label_lists
from augmentai.settings import Settings
from augmentai.storage import Place, Store, local_path, open_store
from augmentai.types import Outcome, Source

KINDS = ("folder", "zip", "tar", "parquet", "imagefolder")


def merge_plan(url: str, out: str, kind: str, settings: Settings) -> Iterator[Merged]:
    """Turn the shards of a plan into one set.

    Args:
        url: the plan's folder.
        out: a folder, a ZIP, or a URL.
        kind: one of `KINDS`; "" for what `out` looks like.
        settings: limits and keys.

    Yields:
        Progress.

    Raises:
        ClusterError: some shards are not complete, or the plan or its set was changed.
        OutputError, StorageError, HubError: the output cannot be written, or holds something else.
    """
    is_zip, dataset = out.lower().endswith(".zip"), out.removeprefix("hf://datasets/")
    kind = kind or ("zip" if is_zip else "imagefolder" if dataset != out else "folder")
    if kind not in KINDS:
        raise ClusterError(f"{kind!r} is no kind of output; expected {', '.join(KINDS)}")
    if (kind == "zip") != is_zip:
        raise ClusterError(f"{out} and the kind {kind} do not fit; a ZIP, and nothing else, ends in .zip")
    place = local_path(out)
    if _is_in(open_store(out), open_store(url)):
        raise ClusterError(f"{out} is in the folder of the plan, {url}; choose another place for what is merged")
    if kind in {"tar", "parquet"}:
        with open_parts(url, settings) as parts:
            yield from write_parts(parts, open_store(out), kind)
    elif kind == "imagefolder" and place is None:
        if dataset == out:
            raise ClusterError(f"{out} is no dataset on the Hub; expected hf://datasets/USER/NAME")
        hub = Hub(dataset.strip("/"), settings)
        hub.check()  # before the work, which would otherwise be wasted
        with tempfile.TemporaryDirectory(prefix="augmentai-merge-") as name, open_parts(url, settings) as parts:
            yield from merge_to_place(parts, Path(name, "set"))
            hub.push(Path(name, "set"))
    else:
        with open_parts(url, settings) as parts:
            yield from merge_to_place(parts, open_store(out) if place is None else place)


def merge_to_place(parts: Parts, out: Place) -> Iterator[Merged]:
    """Write a folder or a ZIP. A folder that was begun is resumed.

    Args:
        parts: the shards.
        out: a new or empty folder, one that this merge had begun, or a new ZIP.

    Yields:
        Progress.

    Raises:
        OutputError: the output cannot be written, or holds something else.
    """
    record = parts.record_for(out)
    if found := differences(parts.folder.record, record):
        raise ClusterError(f"the run is not the one that was planned ({'; '.join(found)})")
    before = read_run(out) if isinstance(out, Path) and (out / CARD).is_file() else None
    if before is not None and not differences(before, record):
        yield Merged(parts.total, parts.total, 0)  # the card is written last: it is all there
        return
    sources = parts.output.sources
    with StoreWriter(out, record, sources) if isinstance(out, Store) else writer_for(out, record, sources) as writer:
        copied, done, failed = False, writer.checkpoint.variations, 0
        for failure in parts.failures:
            writer.add(Outcome(Source(failure.file, None, "", 0, bytes), 0, 0, reason=failure.reason))
            failed += 1
        for entry, files in parts.entries():
            if not copied and (is_made(entry) or done):
                copy_originals(writer, parts.output)
                parts.check_originals()
                copied = True
            if _is_new(writer, entry):
                writer.add_entry(entry, files)
                done += is_made(entry)
                failed += not is_made(entry)
            yield Merged(done, parts.total, failed)
        if done:
            write_label_lists(writer, parts.output)
        describe_set(writer, parts.output, record, parts.max_pixels, parts.credits)


def _is_in(place: Store, folder: Store) -> bool:
    """Whether a place is a folder or in it."""
    return f"{place.url}/".startswith(f"{folder.url}/")


def _is_new(writer: Writer, entry: dict[str, Any]) -> bool:
    """Whether an interrupted merge has not written this line."""
    source = Source(entry["source"], None, entry["source_sha256"] or "", 0, bytes)
    return (source, entry["index"]) not in writer.checkpoint
