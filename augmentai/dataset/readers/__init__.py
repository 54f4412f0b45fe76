"""Turns files, folders and ZIPs into sources."""
