"""Entries: appended with the change they describe, read and filtered."""
