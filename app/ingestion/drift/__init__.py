"""Drift that rows show: what decoding saw of a batch, as changes of the schema; schemas that evolve by it."""
