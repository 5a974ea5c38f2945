"""Taking batches back: the statements, the doing, and what stands in the way."""
