"""Where a request stands, where it may go from there, by whom, and what is recorded of that."""
