"""The page and the auto-generated API: thin doors to `augmentai.pipeline.job`."""
