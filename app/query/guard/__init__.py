"""The guard: what may be read of a statement, and the text that may run. A library: nothing of the rest is imported."""
