"""Aggregates that count a row several times, because a join repeats it; and the statement that does not."""
