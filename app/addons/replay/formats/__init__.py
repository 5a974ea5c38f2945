"""Texts that carry the names of their fields or are split at delimiters: pairs, JSON, XML, tables."""
