"""The machine: CPU cores, memory, package versions."""
