"""Bounds on what is read of files that anyone may have made, whatever their headers or contents claim.

They keep time and memory in proportion to honest data, and each is far above what any known dataset has. `Limits` and
the settings bound a whole job; documented in docs/limits.md.
"""

from __future__ import annotations

LONGEST_PATH_CHARS = 4096  # of a path in a label file: no system has longer ones
DEEPEST_PATH = 64  # folders of a path in a label file that are compared with those of the dataset
MOST_OBJECTS = 25_000  # in one image
MOST_POINTS = 250_000  # of all outlines in one image
MOST_RUNS = 500_000  # of one run-length encoded bitmap
DEEPEST_XML = 60  # elements in elements
MOST_ELEMENTS = 500_000  # of an XML file about one image
MOST_FILES = 250_000  # in one archive
MOST_COLUMNS = 10_000  # of a table
LARGEST_OBJECT_CHARS = 8_000_000  # of one annotation in COCO's JSON
