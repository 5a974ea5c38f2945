"""The evidence of tables as it is kept: which versions are looked at, when they were, and what was found."""
