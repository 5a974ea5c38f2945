"""Accepted joins in queries: which are in force, what each does to rows, what they offer, what they count twice."""
