"""Contracts as documents of the Open Data Contract Standard: read, checked, mapped, merged and written. Pure."""
