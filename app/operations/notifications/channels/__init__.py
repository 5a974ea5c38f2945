"""Channels: where messages go, and what is kept about each receiver."""
