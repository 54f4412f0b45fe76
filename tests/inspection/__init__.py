"""Tests of augmentai/inspection."""
