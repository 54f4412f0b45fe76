"""The page and the auto-generated API: thin front ends to `augmentai.pipeline`."""
