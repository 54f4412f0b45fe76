"""Sets to folders, ZIPs and the Hugging Face Hub."""
