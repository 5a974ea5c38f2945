"""Corrections: what a reader says that a question meant; a proposal until an engineer accepts it."""
