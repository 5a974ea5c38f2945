"""Asymmetric signing keys: their files, their rotation, and their publication."""
