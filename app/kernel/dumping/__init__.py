"""Copies of a whole database by PostgreSQL's own dump: one engine for `spyne backup` and for `snapshot` exports."""
