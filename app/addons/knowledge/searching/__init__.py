"""Searching passages: by words, by names of fields, and by meaning where a model is there for it."""
