"""What variations are worth to a model on a given set, measured."""
