"""Statements that a language model proposes for questions which the rules refuse; off unless somebody runs a model."""
