"""What formats share whose label files list many images each: rows on disk, their images found, files written again."""
