"""What backfills read: bodies by ranges of lines, adopted relations in the order of their keys."""
