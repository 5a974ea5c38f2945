"""Joins that values, names and keys of tables speak for. Pure: evidence in, ranked candidates out."""
