"""Reads visitors' files in a process of its own, which can be stopped: whatever they hold, the page keeps answering."""
