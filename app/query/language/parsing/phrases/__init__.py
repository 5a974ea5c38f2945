"""Phrases that the parser reads: periods, first rows of groups, deeds that were done or not, spans of time."""
