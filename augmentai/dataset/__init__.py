"""What comes in and what goes out: `read` finds sources, `names` plans files, `write` keeps them, `manifest` tells."""
