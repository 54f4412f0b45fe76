"""What comes in and what goes out: `read` finds sources, `names` plans files, `write` keeps variations, `manifest` tells."""
