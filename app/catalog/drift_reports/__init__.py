"""Drift that was found, and what becomes of it: reported, accepted, rejected, applied, undone."""
