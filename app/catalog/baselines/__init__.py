"""Baselines: what live relations looked like when they were last accepted, so that a change of them is seen."""
