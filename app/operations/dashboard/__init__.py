"""The dashboard: a tile of every domain on one page."""
