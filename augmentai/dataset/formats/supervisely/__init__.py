"""Supervisely projects."""
