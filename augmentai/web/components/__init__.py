"""Parts of the page: file drop, result grid, plots."""
