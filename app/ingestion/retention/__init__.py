"""What batches leave behind, and how long it may be kept. The record of a batch stays: the table's rows name it."""
