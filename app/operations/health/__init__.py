"""Health: checks, each timed, and their overall verdict."""
