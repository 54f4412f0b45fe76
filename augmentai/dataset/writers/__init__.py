"""Writes runs into folders and ZIPs, and pushes them to the Hugging Face Hub."""
