"""Migrations by hand: `alembic` from a shell, and `spyne db`."""
