"""CSV files of boxes, and of classes by column."""
