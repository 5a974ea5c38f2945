"""Stored objects, and bodies compressed on their way there."""
