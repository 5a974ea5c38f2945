"""Parsing: from marks to the intermediate query."""
