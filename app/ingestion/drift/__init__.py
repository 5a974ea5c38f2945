"""Drift that rows show: what decoding saw of a batch, as changes of the contract's schema; schemas that evolve by it."""
