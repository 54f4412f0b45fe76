"""What the examples of a set say of its classes, as a file of the plan: measured once, and read by every worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from augmentai.cluster.plan_folder import EXAMPLES, PlanFolder
from augmentai.filters import KnownClasses, Standard

Known = Mapping[str, KnownClasses]  # by what is judged: "images" or "objects"


def write_examples(path: Path, known: Known) -> None:
    """Write the file.

    Args:
        path: the new file.
        known: what was measured.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"what": what, "category": name, "origin": origin, "features": features}
        for what, classes in known.items()
        for name, origin, features in zip(classes.names, classes.origins, classes.features, strict=True)
    ]
    texts = [pa.field(name, pa.string()) for name in ("what", "category", "origin")]
    schema = pa.schema([*texts, pa.field("features", pa.list_(pa.float32()))])
    pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")


def standards(known: Known) -> dict[str, Any]:
    """What `facts.json` says of them.

    Example:
        >>> standards({"images": KnownClasses((), (), np.zeros((0, 3)), Standard(-2, 4, "no class"))})
        {'images': {'least': -2, 'most_lost': 4, 'fault': 'no class'}}
    """
    return {what: asdict(classes.standard) for what, classes in known.items()}


def read_examples(folder: PlanFolder, what: str) -> KnownClasses | None:
    """What a plan knows of the classes of its set; None if that was not measured.

    Args:
        folder: the plan.
        what: "images" or "objects".
    """
    import pyarrow.parquet as pq

    standard = folder.facts["classes"].get(what)
    if standard is None:
        return None
    with folder.store.open(EXAMPLES) as file:
        rows = [row for row in pq.read_table(file).to_pylist() if row["what"] == what]
    features = np.array([row["features"] for row in rows], np.float32).reshape(len(rows), -1)
    names, origins = ([row[name] for row in rows] for name in ("category", "origin"))
    return KnownClasses(names, origins, features, Standard(**standard))
