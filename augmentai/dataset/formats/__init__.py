"""Dataset formats: `base` is what each offers, one module or package a format, `detect` chooses."""
