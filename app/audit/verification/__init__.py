"""Verification: of the log in the database, and of exports without one."""
