"""Credentials: keys and tokens, and the actor that whoever shows them is."""
