"""Service clients and their keys."""
