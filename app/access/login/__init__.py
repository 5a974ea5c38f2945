"""Logging in: the token endpoint, passwords, and the limits of guesses."""
