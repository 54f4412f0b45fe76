"""The pipeline that every front end runs: `stages` lists its steps, `job` is the loop, `run` writes a set to disk."""
