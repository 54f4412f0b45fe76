"""Jobs of the page and the API on disk: uploads, runs, sessions, cleanup."""
