"""Passwords: hashing, and which ones are accepted."""
