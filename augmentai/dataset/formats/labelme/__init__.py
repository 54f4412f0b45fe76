"""LabelMe and X-AnyLabeling."""
