"""Hugging Face's ImageFolder."""
