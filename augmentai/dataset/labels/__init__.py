"""What is labelled in pictures: `base` holds it, one module a format reads it, and writes it back."""
