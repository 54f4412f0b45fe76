"""Tests of augmentai/pipeline/split."""
