"""Adoption: relations that exist already become READ_ONLY tables."""
