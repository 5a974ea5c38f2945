"""Retention: old data goes when its rule says so, in bounded steps, and nothing under a hold ever."""
