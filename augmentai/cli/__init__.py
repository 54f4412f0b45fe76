"""The command line: `app` parses it, `console` prints."""
