"""Logging in: the token endpoint, passwords, and how many guesses are taken."""
