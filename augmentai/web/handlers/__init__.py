"""Event handlers of the page: preview, jobs, results."""
