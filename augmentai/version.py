"""The version, written once: the package's metadata, the command line, manifests and requests read it from here."""

__version__ = "0.3.0.dev0"
