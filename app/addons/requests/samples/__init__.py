"""Samples of logs: taken in as they arrive, kept in the object storage, read again for the generator."""
