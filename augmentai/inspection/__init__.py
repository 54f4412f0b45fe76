"""What is in a set: counts, faults of its labels, duplicates, and what a run would do. Makes nothing."""

from augmentai.inspection.inspection import Inspection, inspect_set

__all__ = ["Inspection", "inspect_set"]
