"""Joins between tables: what evidence suggests, and people accept."""
