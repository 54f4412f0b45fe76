"""Files, folders and ZIPs to sources."""
