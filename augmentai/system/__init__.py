"""The machine: cores, memory, versions."""
