"""Contracts that come in and go out as documents of the Open Data Contract Standard."""
